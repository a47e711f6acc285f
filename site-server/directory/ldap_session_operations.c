#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "directory/ldap_session_state.h"

#define PAGE_ENTRIES 500
#define ENTRIES_MAX  10000 /* no question of ours has more answers */

/* ---- how they end ---- */

static bool connection_broke(int code)
{
    return code == LDAP_SERVER_DOWN || code == LDAP_CONNECT_ERROR || code == LDAP_TIMEOUT ||
           code == LDAP_UNAVAILABLE || code == LDAP_BUSY || code == LDAP_LOCAL_ERROR ||
           code == LDAP_ENCODING_ERROR || code == LDAP_DECODING_ERROR;
}

static enum ldap_outcome outcome_of(int code)
{
    switch (code) {
    case LDAP_SUCCESS:
        return OUTCOME_DONE;
    case LDAP_NO_SUCH_OBJECT:
        return OUTCOME_ABSENT;
    case LDAP_ALREADY_EXISTS:
    case LDAP_TYPE_OR_VALUE_EXISTS:
        return OUTCOME_THERE;
    case LDAP_INSUFFICIENT_ACCESS:
        return OUTCOME_DENIED;
    case LDAP_UNWILLING_TO_PERFORM:
        return OUTCOME_UNWILLING;
    case LDAP_CONSTRAINT_VIOLATION:
        return OUTCOME_VIOLATES;
    default:
        return OUTCOME_OTHER;
    }
}

/* Puts the code of an operation on a DN into our words; the connection goes when it is of no use any more. */
static bool judge(struct ldap_session *session, const char *what, const char *dn, int code,
                  enum ldap_outcome *outcome, struct error *err)
{
    char *said = session->words;

    if (outcome)
        *outcome = outcome_of(code);
    if (code == LDAP_SUCCESS)
        return true;
    ldap_session_diagnose(session->ldap, said, sizeof(session->words));
    if (outcome && *outcome != OUTCOME_OTHER)
        return true;
    if (connection_broke(code)) {
        ldap_session_away(err, session->server, what, code, said);
        ldap_session_disconnect(session);
        return false;
    }
    switch (outcome_of(code)) {
    case OUTCOME_DENIED:
        return error_because(err, REASON_DIRECTORY_NOT_PERMITTED, "%s %s: %s%s", what, dn,
                             ldap_err2string(code), said);
    case OUTCOME_ABSENT:
        return error_because(err, REASON_DIRECTORY_NO_CONTAINER, "%s %s: there is no such object", what, dn);
    default:
        return error_because(err, REASON_DIRECTORY_REFUSED, "%s %s: %s%s", what, dn, ldap_err2string(code),
                             said);
    }
}

/* ---- searching ---- */

static void copy_value(const struct berval *value, struct bytes *out)
{
    out->data = allocate(value->bv_len + 1);
    memcpy(out->data, value->bv_val, value->bv_len);
    out->length = value->bv_len;
}

static void copy_attribute(LDAP *ldap, LDAPMessage *message, const char *name, struct ldap_entry *entry)
{
    struct berval **values = ldap_get_values_len(ldap, message, name);
    struct ldap_values *attribute;
    int count = ldap_count_values_len(values);

    entry->attributes = reallocate(entry->attributes, entry->attribute_count + 1, sizeof(*entry->attributes));
    attribute = &entry->attributes[entry->attribute_count++];
    *attribute = (struct ldap_values){ .name = text_copy(name), .count = (size_t)count };
    attribute->values = allocate((size_t)count * sizeof(*attribute->values));
    for (int i = 0; i < count; i++)
        copy_value(values[i], &attribute->values[i]);
    ldap_value_free_len(values);
}

static void copy_entry(LDAP *ldap, LDAPMessage *message, struct ldap_entries *entries)
{
    struct ldap_entry *entry;
    BerElement *rest = NULL;
    char *dn = ldap_get_dn(ldap, message);

    entries->items = reallocate(entries->items, entries->count + 1, sizeof(*entries->items));
    entry = &entries->items[entries->count++];
    *entry = (struct ldap_entry){ .dn = text_copy(dn ? dn : "") };
    ldap_memfree(dn);
    for (char *name = ldap_first_attribute(ldap, message, &rest); name;
         name = ldap_next_attribute(ldap, message, rest)) {
        copy_attribute(ldap, message, name, entry);
        ldap_memfree(name);
    }
    ber_free(rest, 0);
}

static bool connected(const struct ldap_session *session, struct error *err)
{
    return session->ldap ||
           error_because(err, REASON_DIRECTORY_UNREACHABLE, "%s: the connection was lost", session->server);
}

/* The cookie of the next page; its length is 0 after the last one (RFC 2696). */
static void next_page(LDAP *ldap, LDAPMessage *result, struct berval *cookie)
{
    LDAPControl **controls = NULL, *page;
    ber_int_t estimate;

    ber_memfree(cookie->bv_val);
    *cookie = (struct berval){ 0 };
    if (ldap_parse_result(ldap, result, NULL, NULL, NULL, NULL, &controls, 0) != LDAP_SUCCESS || !controls)
        return;
    page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
    if (page)
        ldap_parse_pageresponse_control(ldap, page, &estimate, cookie);
    ldap_controls_free(controls);
}

struct question {
    const char *base, *filter;
    const char *const *attributes;
    int scope;
};

static int search_page(struct ldap_session *session, const struct question *question, struct berval *cookie,
                       struct ldap_entries *found)
{
    struct timeval timeout = { .tv_sec = session->settings->timeout_s };
    LDAPControl *page = NULL, *controls[2] = { NULL };
    LDAPMessage *result = NULL;
    int code = ldap_create_page_control(session->ldap, PAGE_ENTRIES, cookie, 1, &page);

    if (code != LDAP_SUCCESS)
        return code;
    controls[0] = page;
    code = ldap_search_ext_s(session->ldap, question->base, question->scope, question->filter,
                             (char **)question->attributes, 0, *question->base ? controls : NULL, NULL,
                             &timeout, LDAP_NO_LIMIT, &result);
    ldap_control_free(page);
    if (!result)
        return code;
    for (LDAPMessage *message = ldap_first_entry(session->ldap, result); message;
         message = ldap_next_entry(session->ldap, message))
        copy_entry(session->ldap, message, found);
    next_page(session->ldap, result, cookie);
    ldap_msgfree(result);
    return code;
}

bool ldap_session_search(struct ldap_session *session, const char *base, enum ldap_scope scope,
                         const char *filter, const char *const *attributes, struct ldap_entries *found,
                         enum ldap_outcome *outcome, struct error *err)
{
    static const int scopes[] = { LDAP_SCOPE_BASE, LDAP_SCOPE_ONELEVEL, LDAP_SCOPE_SUBTREE };
    const struct question question = { base, filter, attributes, scopes[scope] };
    struct ldap_entries entries = { 0 };
    struct berval cookie = { 0 };
    int code;

    if (!connected(session, err))
        return false;
    do {
        code = search_page(session, &question, &cookie, &entries);
    } while (code == LDAP_SUCCESS && cookie.bv_len && entries.count < ENTRIES_MAX);
    ber_memfree(cookie.bv_val);
    if (code != LDAP_SUCCESS) {
        ldap_entries_clear(&entries);
        return judge(session, "searching", *base ? base : session->server, code, outcome, err);
    }
    ldap_entries_clear(found);
    *found = entries;
    if (outcome)
        *outcome = OUTCOME_DONE;
    return true;
}

/* libldap wants lists of pointers; all of it is one allocation a change. */
struct modification {
    LDAPMod mod;
    struct berval *values, **pointers;
};

static int operation_of(enum ldap_change_kind kind)
{
    return kind == CHANGE_ADD ? LDAP_MOD_ADD : kind == CHANGE_REPLACE ? LDAP_MOD_REPLACE : LDAP_MOD_DELETE;
}

static void fill(struct modification *out, const struct ldap_change *change)
{
    size_t count = change->secret ? 1 : change->count;

    out->values = allocate((count + 1) * sizeof(*out->values));
    out->pointers = allocate((count + 1) * sizeof(*out->pointers));
    for (size_t i = 0; i < count; i++) {
        const char *text = change->secret ? secret_reveal(change->secret) : change->texts[i];

        out->values[i] =
            (struct berval){ .bv_val = (char *)text,
                             .bv_len = change->secret ? secret_length(change->secret) : strlen(text) };
        out->pointers[i] = &out->values[i];
    }
    out->mod = (LDAPMod){ .mod_op = operation_of(change->kind) | LDAP_MOD_BVALUES,
                          .mod_type = (char *)change->attribute,
                          .mod_vals.modv_bvals = count ? out->pointers : NULL };
}

struct modifications {
    struct modification *items;
    LDAPMod **list;
    size_t count;
};

static void modifications_clear(struct modifications *all)
{
    for (size_t i = 0; i < all->count; i++) {
        free(all->items[i].values);
        free(all->items[i].pointers);
    }
    free(all->items);
    free(all->list);
}

static void modifications_fill(struct modifications *all, const struct ldap_change *changes, size_t count)
{
    all->count = count;
    all->items = allocate((count + 1) * sizeof(*all->items));
    all->list = allocate((count + 1) * sizeof(*all->list));
    for (size_t i = 0; i < count; i++) {
        fill(&all->items[i], &changes[i]);
        all->list[i] = &all->items[i].mod;
    }
}

bool ldap_session_add(struct ldap_session *session, const char *dn, const struct ldap_change *attributes,
                      size_t count, enum ldap_outcome *outcome, struct error *err)
{
    AUTO(modifications_clear) struct modifications all = { 0 };

    if (!connected(session, err))
        return false;
    modifications_fill(&all, attributes, count);
    for (size_t i = 0; i < count; i++)
        all.items[i].mod.mod_op = LDAP_MOD_ADD | LDAP_MOD_BVALUES;
    return judge(session, "creating", dn, ldap_add_ext_s(session->ldap, dn, all.list, NULL, NULL), outcome,
                 err);
}

bool ldap_session_modify(struct ldap_session *session, const char *dn, const struct ldap_change *changes,
                         size_t count, enum ldap_outcome *outcome, struct error *err)
{
    AUTO(modifications_clear) struct modifications all = { 0 };

    if (!connected(session, err))
        return false;
    modifications_fill(&all, changes, count);
    return judge(session, "changing", dn, ldap_modify_ext_s(session->ldap, dn, all.list, NULL, NULL), outcome,
                 err);
}

bool ldap_session_delete(struct ldap_session *session, const char *dn, enum ldap_outcome *outcome,
                         struct error *err)
{
    if (!connected(session, err))
        return false;
    return judge(session, "deleting", dn, ldap_delete_ext_s(session->ldap, dn, NULL, NULL), outcome, err);
}
