#include "directory/ldap_session.h"

#include <ldap.h>
#include <sasl/sasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <time.h>

#include "common/clock.h"

#define PAGE_ENTRIES     500
#define ENTRIES_MAX      10000 /* no question of ours has more answers */
#define ALL_CERTIFICATES "/etc/ssl/certs/ca-certificates.crt"
#define CATALOG_PORT     3268
#define CATALOG_TLS_PORT 3269
#define URL_SIZE         300
/* SASL: sealing for sure over plain LDAP, and none within TLS, which Active Directory refuses. */
#define SEALED   "minssf=56,noanonymous"
#define UNSEALED "maxssf=0,noanonymous"

struct ldap_session {
    const struct ldap_settings *settings;
    bool global_catalog;
    LDAP *ldap; /* NULL: not connected */
    char server[URL_SIZE];
    char *base, *configuration;
    int64_t skew_s;
    char words[200]; /* of the last refusal */
};

/* ---- errors ---- */

/* What the controller adds to its result code; empty when it says nothing. */
static void diagnose(LDAP *ldap, char *text, size_t size)
{
    char *said = NULL;

    text[0] = '\0';
    if (ldap && ldap_get_option(ldap, LDAP_OPT_DIAGNOSTIC_MESSAGE, &said) == LDAP_OPT_SUCCESS && said &&
        *said) {
        snprintf(text, size, " (%s)", said);
        for (char *at = text; *at; at++) {
            if ((unsigned char)*at < ' ')
                *at = ' ';
        }
    }
    ldap_memfree(said);
}

static void disconnect(struct ldap_session *session)
{
    if (session->ldap)
        ldap_unbind_ext_s(session->ldap, NULL, NULL);
    session->ldap = NULL;
}

static bool connection_broke(int code)
{
    return code == LDAP_SERVER_DOWN || code == LDAP_CONNECT_ERROR || code == LDAP_TIMEOUT ||
           code == LDAP_UNAVAILABLE || code == LDAP_BUSY || code == LDAP_LOCAL_ERROR ||
           code == LDAP_ENCODING_ERROR || code == LDAP_DECODING_ERROR;
}

static bool away(struct error *err, const char *server, const char *what, int code, const char *said)
{
    return error_because(err, REASON_DIRECTORY_UNREACHABLE, "%s: %s: %s%s", server, what,
                         ldap_err2string(code), said);
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
    diagnose(session->ldap, said, sizeof(session->words));
    if (outcome && *outcome != OUTCOME_OTHER)
        return true;
    if (connection_broke(code)) {
        away(err, session->server, what, code, said);
        disconnect(session);
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

/* ---- values ---- */

const struct ldap_values *ldap_entry_values(const struct ldap_entry *entry, const char *attribute)
{
    for (size_t i = 0; i < entry->attribute_count; i++) {
        if (strcasecmp(entry->attributes[i].name, attribute) == 0)
            return &entry->attributes[i];
    }
    return NULL;
}

const char *ldap_entry_text(const struct ldap_entry *entry, const char *attribute)
{
    const struct ldap_values *values = ldap_entry_values(entry, attribute);

    return values && values->count ? (const char *)values->values[0].data : NULL;
}

void ldap_entries_clear(struct ldap_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        struct ldap_entry *entry = &entries->items[i];

        for (size_t j = 0; j < entry->attribute_count; j++) {
            for (size_t k = 0; k < entry->attributes[j].count; k++)
                bytes_free(&entry->attributes[j].values[k]);
            free(entry->attributes[j].values);
            free(entry->attributes[j].name);
        }
        free(entry->attributes);
        free(entry->dn);
    }
    free(entries->items);
    *entries = (struct ldap_entries){ 0 };
}

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

char *ldap_filter_escape(const void *value, size_t length)
{
    const unsigned char *bytes = value;
    char *escaped = allocate(3 * length + 1), *at = escaped;

    for (size_t i = 0; i < length; i++) {
        bool plain = bytes[i] > ' ' && bytes[i] < 0x7f && !strchr("*()\\", bytes[i]);

        at += sprintf(at, plain ? "%c" : "\\%02x", bytes[i]);
    }
    return escaped;
}

char *ldap_name_escape(const char *value)
{
    size_t length = strlen(value);
    char *escaped = allocate(3 * length + 1), *at = escaped;

    for (size_t i = 0; i < length; i++) {
        bool edge = (i == 0 && strchr(" #", value[i])) || (i + 1 == length && value[i] == ' ');

        at += sprintf(at, edge || strchr(",+\"\\<>;=", value[i]) ? "\\%02x" : "%c", (unsigned char)value[i]);
    }
    return escaped;
}

/* ---- connecting ---- */

static bool option(LDAP *ldap, int name, const void *value, struct error *err)
{
    return ldap_set_option(ldap, name, value) == LDAP_OPT_SUCCESS ||
           error_set(err, ERROR_INTERNAL, "libldap does not take option %#x", (unsigned)name);
}

static bool set_options(LDAP *ldap, const struct ldap_settings *settings, struct error *err)
{
    const struct timeval timeout = { .tv_sec = settings->timeout_s };
    const int version = LDAP_VERSION3, demand = LDAP_OPT_X_TLS_DEMAND, client = 0;
    const char *ca_file = *settings->ca_file ? settings->ca_file : ALL_CERTIFICATES;

    return option(ldap, LDAP_OPT_PROTOCOL_VERSION, &version, err) &&
           option(ldap, LDAP_OPT_REFERRALS, LDAP_OPT_OFF, err) &&
           option(ldap, LDAP_OPT_NETWORK_TIMEOUT, &timeout, err) &&
           option(ldap, LDAP_OPT_TIMEOUT, &timeout, err) &&
           option(ldap, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON,
                  err) && /* the name in the URL counts, not DNS */
           option(ldap, LDAP_OPT_X_TLS_CACERTFILE, ca_file, err) &&
           option(ldap, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand, err) &&
           option(ldap, LDAP_OPT_X_TLS_NEWCTX, &client, err);
}

/* GSSAPI asks nothing: the ticket says who we are. */
static int answer_nothing(LDAP *ldap, unsigned flags, void *defaults, void *questions)
{
    (void)ldap;
    (void)flags;
    (void)defaults;
    for (sasl_interact_t *question = questions; question->id != SASL_CB_LIST_END; question++) {
        question->result = question->defresult ? question->defresult : "";
        question->len = (unsigned)strlen(question->result);
    }
    return LDAP_SUCCESS;
}

static int bind_simply(struct ldap_session *session)
{
    const struct ldap_settings *settings = session->settings;
    struct berval password = { .bv_val = (char *)secret_reveal(settings->password),
                               .bv_len = secret_length(settings->password) };

    return ldap_sasl_bind_s(session->ldap, settings->bind_user, LDAP_SASL_SIMPLE, &password, NULL, NULL,
                            NULL);
}

static int bind_by_ticket(struct ldap_session *session, bool tls, struct error *err)
{
    if (!option(session->ldap, LDAP_OPT_X_SASL_SECPROPS, tls ? UNSEALED : SEALED, err))
        return LDAP_LOCAL_ERROR;
    return ldap_sasl_interactive_bind_s(session->ldap, NULL, "GSSAPI", NULL, NULL, LDAP_SASL_QUIET,
                                        answer_nothing, NULL);
}

static bool log_in(struct ldap_session *session, bool tls, struct error *err)
{
    bool simple = *session->settings->bind_user;
    int code = simple ? bind_simply(session) : bind_by_ticket(session, tls, err);
    char said[200];

    if (code == LDAP_SUCCESS)
        return true;
    diagnose(session->ldap, said, sizeof(said));
    if (code == LDAP_SERVER_DOWN || code == LDAP_TIMEOUT || code == LDAP_CONNECT_ERROR ||
        code == LDAP_UNAVAILABLE || code == LDAP_BUSY)
        return away(err, session->server, "logging in", code, said);
    return error_because(err, REASON_DIRECTORY_LOGIN, "%s refuses %s: %s%s", session->server,
                         simple ? session->settings->bind_user : "the ticket of the keytab's account",
                         ldap_err2string(code), said);
}

static bool read_identity(struct ldap_session *session, struct error *err);

static bool connect_to(struct ldap_session *session, const char *url, struct error *err)
{
    bool tls = strncmp(url, "ldaps://", 8) == 0;
    char said[200];
    int code;

    snprintf(session->server, sizeof(session->server), "%s", url);
    code = ldap_initialize(&session->ldap, url);
    if (code != LDAP_SUCCESS) {
        session->ldap = NULL;
        return error_set(err, ERROR_INPUT, "%s is no URL of a directory: %s", url, ldap_err2string(code));
    }
    if (!set_options(session->ldap, session->settings, err))
        return false;
    if (!tls && session->settings->starttls) {
        code = ldap_start_tls_s(session->ldap, NULL, NULL);
        if (code != LDAP_SUCCESS) {
            diagnose(session->ldap, said, sizeof(said));
            return away(err, url, "StartTLS", code, said);
        }
        tls = true;
    }
    return log_in(session, tls, err) && read_identity(session, err);
}

/* The n-th URL of the list; false when there are not as many. */
static bool nth_url(const char *list, size_t n, char *url, size_t size)
{
    for (;; n--) {
        size_t length;

        list += strspn(list, " \t,");
        length = strcspn(list, " \t,");
        if (!length)
            return false;
        if (n == 0) {
            snprintf(url, size, "%.*s", (int)length, list);
            return true;
        }
        list += length;
    }
}

/* Catalogues listen at ports of their own, at controllers that hold one. */
static bool nth_server(const struct ldap_session *session, size_t n, char *url, size_t size)
{
    char controller[URL_SIZE];
    const char *host;
    bool tls;

    if (!session->global_catalog)
        return nth_url(session->settings->servers, n, url, size);
    if (*session->settings->global_catalogs)
        return nth_url(session->settings->global_catalogs, n, url, size);
    if (!nth_url(session->settings->servers, n, controller, sizeof(controller)))
        return false;
    tls = strncmp(controller, "ldaps://", 8) == 0;
    host = controller + (tls ? 8 : 7);
    snprintf(url, size, "%s://%.*s:%d", tls ? "ldaps" : "ldap", (int)strcspn(host, ":/"), host,
             tls ? CATALOG_TLS_PORT : CATALOG_PORT);
    return true;
}

static bool connect_to_one(struct ldap_session *session, struct error *err)
{
    AUTO(text_free) char *failures = NULL;
    struct error why = { 0 };
    char url[URL_SIZE];

    for (size_t n = 0; nth_server(session, n, url, sizeof(url)); n++) {
        if (connect_to(session, url, &why))
            return true;
        disconnect(session);
        if (why.reason != REASON_DIRECTORY_UNREACHABLE)
            break; /* the next one would say the same, and a password must not be tried everywhere */
        AUTO(text_free) char *before = TAKE(failures);
        failures = text_format("%s%s%s", before ? before : "", before ? "; " : "", why.message);
    }
    if (!failures) {
        *err = why;
        return false;
    }
    return error_because(err, why.reason, "%s",
                         why.reason == REASON_DIRECTORY_UNREACHABLE ? failures : why.message);
}

/* RFC 4517 3.3.13, as Active Directory writes it: 20080102030405.0Z. */
static bool read_time(const char *text, int64_t *time_s)
{
    struct tm utc = { 0 };
    const char *end = text ? strptime(text, "%Y%m%d%H%M%S", &utc) : NULL;

    if (!end)
        return false;
    *time_s = timegm(&utc);
    return true;
}

/* rootDSE (RFC 4512 5.1; MS-ADTS 3.1.1.3.2): whose domain it is, and what time it has. */
static bool read_identity(struct ldap_session *session, struct error *err)
{
    AUTO(ldap_entries_clear) struct ldap_entries found = { 0 };
    static const char *const attributes[] = { "defaultNamingContext", "configurationNamingContext",
                                              "currentTime", NULL };
    const char *base, *configuration;
    int64_t there_s;

    if (!ldap_session_search(session, "", SCOPE_OBJECT, "(objectClass=*)", attributes, &found, NULL, err))
        return false;
    base = found.count ? ldap_entry_text(&found.items[0], "defaultNamingContext") : NULL;
    configuration = found.count ? ldap_entry_text(&found.items[0], "configurationNamingContext") : NULL;
    if (!base || !configuration || !read_time(ldap_entry_text(&found.items[0], "currentTime"), &there_s))
        return error_because(err, REASON_DIRECTORY_REFUSED,
                             "%s does not say which domain it serves: is it a domain controller of Active "
                             "Directory?",
                             session->server);
    text_set(&session->base, base);
    text_set(&session->configuration, configuration);
    session->skew_s = there_s - clock_wall_ms() / 1000;
    return true;
}

struct ldap_session *ldap_session_new(const struct ldap_settings *settings, bool global_catalog)
{
    struct ldap_session *session = allocate(sizeof(*session));

    session->settings = settings;
    session->global_catalog = global_catalog;
    return session;
}

void ldap_session_free(struct ldap_session **session)
{
    struct ldap_session *ending = TAKE(*session);

    if (!ending)
        return;
    disconnect(ending);
    free(ending->base);
    free(ending->configuration);
    free(ending);
}

/* A controller may have closed the connection since it was used last; that is found out here. */
bool ldap_session_ready(struct ldap_session *session, struct error *err)
{
    struct error unused;

    if (session->ldap && read_identity(session, &unused))
        return true;
    disconnect(session);
    return connect_to_one(session, err);
}

const char *ldap_session_server(const struct ldap_session *session)
{
    return session->server;
}

const char *ldap_session_base(const struct ldap_session *session)
{
    return session->base;
}

const char *ldap_session_configuration(const struct ldap_session *session)
{
    return session->configuration;
}

int64_t ldap_session_skew_s(const struct ldap_session *session)
{
    return session->skew_s;
}

const char *ldap_session_words(const struct ldap_session *session)
{
    return session->words;
}

/* ---- operations ---- */

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
