#include "directory/computer_object.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAMES_TRIED_MAX 99
/* userAccountControl (MS-ADTS 2.2.16) */
#define ACCOUNT_DISABLED           0x2u
#define ACCOUNT_WORKSTATION        0x1000u
#define ACCOUNT_PASSWORD_PERMANENT 0x10000u
#define MARK                       "Intel AMT "

static const char *const attributes[] = { "objectGUID",
                                          "sAMAccountName",
                                          "dNSHostName",
                                          "servicePrincipalName",
                                          "userAccountControl",
                                          "msDS-SupportedEncryptionTypes",
                                          "msDS-KeyVersionNumber",
                                          "description",
                                          NULL };
/* MS-KILE 3.1.5.2 and spec 7: the name alone first, then with each port of AMT. */
static const unsigned ports[OBJECT_PRINCIPALS_MAX - 1] = { 16992, 16993, 16994, 16995, 623, 664 };

struct work { /* one run */
    struct directory_link *link;
    const struct object_settings *settings;
    const struct object_wanted *wanted;
    char *principals[OBJECT_PRINCIPALS_MAX];
    size_t principal_count;
    char *description;
    bool password_set;
    char *changes;
    struct ldap_entries entry; /* the object; empty: none yet */
};

static void work_clear(struct work *work)
{
    for (size_t i = 0; i < work->principal_count; i++)
        free(work->principals[i]);
    free(work->description);
    free(work->changes);
    ldap_entries_clear(&work->entry);
}

void object_found_clear(struct object_found *found)
{
    free(found->dn);
    free(found->account_name);
    free(found->domain);
    for (size_t i = 0; i < found->principal_count; i++)
        free(found->principals[i]);
    free(found->changes);
    *found = (struct object_found){ 0 };
}

/* ---- names ---- */

char *computer_account_name(const char *fqdn, unsigned n, bool dollar_last)
{
    char number[16] = "";
    size_t label = strcspn(fqdn, "."), room;

    if (n > 1)
        snprintf(number, sizeof(number), "-%u", n);
    room = ACCOUNT_NAME_MAX - strlen("$iME") - strlen(number);
    return text_format("%.*s%s%s", (int)(label < room ? label : room), fqdn, number,
                       dollar_last ? "iME$" : "$iME");
}

char *directory_domain_of(const char *base_dn)
{
    char *domain = allocate(strlen(base_dn) + 1), *to = domain;

    for (const char *at = base_dn; strncasecmp(at, "DC=", 3) == 0; at++) {
        size_t length = strcspn(at + 3, ",");

        to += sprintf(to, "%s%.*s", to == domain ? "" : ".", (int)length, at + 3);
        at += 3 + length;
        if (!*at)
            break;
    }
    return domain;
}

static void name_principals(struct work *work, bool alone)
{
    if (alone)
        work->principals[work->principal_count++] = text_format("HTTP/%s", work->wanted->fqdn);
    for (size_t i = 0; i < COUNT_OF(ports); i++)
        work->principals[work->principal_count++] = text_format("HTTP/%s:%u", work->wanted->fqdn, ports[i]);
}

static void note(struct work *work, const char *change)
{
    AUTO(text_free) char *before = TAKE(work->changes);

    work->changes = before ? text_format("%s, %s", before, change) : text_copy(change);
}

/* ---- finding ---- */

static const struct ldap_entry *object_of(const struct work *work)
{
    return work->entry.count ? &work->entry.items[0] : NULL;
}

/* MS-ADTS 3.1.1.3.1.2.4: an object by its GUID, wherever it is. */
static bool find_by_guid(struct work *work, const struct object_guid *guid, struct error *err)
{
    char dn[2 * DIRECTORY_GUID_BYTES + 16] = "<GUID=";
    char *at = dn + strlen(dn);
    enum ldap_outcome outcome;

    for (size_t i = 0; i < DIRECTORY_GUID_BYTES; i++)
        at += sprintf(at, "%02x", guid->bytes[i]);
    strcpy(at, ">");
    return ldap_session_search(work->link->domain, dn, SCOPE_OBJECT, "(objectClass=computer)", attributes,
                               &work->entry, &outcome, err);
}

static bool find_by_mark(struct work *work, struct error *err)
{
    AUTO(text_free) char *value = ldap_filter_escape(work->description, strlen(work->description));
    AUTO(text_free) char *filter = text_format("(&(objectClass=computer)(description=%s))", value);

    return ldap_session_search(work->link->domain, work->settings->container, SCOPE_SUBTREE, filter,
                               attributes, &work->entry, NULL, err) ||
           error_during(err, "container of the computers' objects");
}

static bool find_object(struct work *work, const struct object_guid *guid, struct error *err)
{
    if (guid->known && !find_by_guid(work, guid, err))
        return false;
    return object_of(work) || find_by_mark(work, err);
}

static bool same_guid(const struct ldap_entry *a, const struct ldap_entry *b)
{
    const struct ldap_values *one = a ? ldap_entry_values(a, "objectGUID") : NULL;
    const struct ldap_values *other = b ? ldap_entry_values(b, "objectGUID") : NULL;

    return one && other && one->values[0].length == other->values[0].length &&
           memcmp(one->values[0].data, other->values[0].data, one->values[0].length) == 0;
}

/* ---- whose names they are ---- */

static bool catalog_search(struct work *work, const char *filter, struct ldap_entries *found,
                           struct error *err)
{
    static const char *const identity[] = { "objectGUID", "servicePrincipalName", NULL };

    /* The empty base is the whole forest there. */
    return ldap_session_ready(work->link->catalog, err) &&
           ldap_session_search(work->link->catalog, "", SCOPE_SUBTREE, filter, identity, found, NULL, err);
}

static bool holds(const struct ldap_entry *entry, char *const *principals, size_t count, const char **which)
{
    const struct ldap_values *values = ldap_entry_values(entry, "servicePrincipalName");

    for (size_t i = 0; values && i < values->count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (strcasecmp((const char *)values->values[i].data, principals[j]) == 0) {
                *which = principals[j];
                return true;
            }
        }
    }
    return false;
}

static bool names_are_free(const struct work *work, const struct ldap_entries *holders, struct error *err)
{
    for (size_t i = 0; i < holders->count; i++) {
        const char *which;

        if (!same_guid(&holders->items[i], object_of(work)) &&
            holds(&holders->items[i], work->principals, work->principal_count, &which))
            return error_because(err, REASON_DIRECTORY_PRINCIPAL_TAKEN, "%s is held by %s", which,
                                 holders->items[i].dn);
    }
    return true;
}

/*
 * In the whole forest, because tickets are. HTTP/NAME without a port is an alias of HOST/NAME (MS-ADTS
 * 3.1.1.5.1.3), which the operating system's own account holds when the computer is a member of a domain:
 * then tickets for it are that account's, and the directory refuses it to others since CVE-2021-42282.
 */
static bool settle_principals(struct work *work, struct error *err)
{
    AUTO(ldap_entries_clear) struct ldap_entries holders = { 0 };
    AUTO(text_free) char *name = ldap_filter_escape(work->wanted->fqdn, strlen(work->wanted->fqdn));
    AUTO(text_free)
    char *filter = text_format("(|(servicePrincipalName=HOST/%s)(servicePrincipalName=HTTP/%s)"
                               "(servicePrincipalName=HTTP/%s:*))",
                               name, name, name);
    AUTO(text_free) char *host = text_format("HOST/%s", work->wanted->fqdn);
    bool joined = false;
    const char *unused;

    if (!catalog_search(work, filter, &holders, err))
        return error_during(err, "looking for service principal names in the forest");
    for (size_t i = 0; i < holders.count; i++)
        joined |=
            !same_guid(&holders.items[i], object_of(work)) && holds(&holders.items[i], &host, 1, &unused);
    name_principals(work, !joined);
    return names_are_free(work, &holders, err);
}

/* ---- creating ---- */

/* unicodePwd: the password in quotation marks, UTF-16 little endian (MS-ADTS 3.1.1.3.1.5.1). */
static struct secret *quoted(const struct secret *password)
{
    size_t length = secret_length(password), size = 2 * (length + 2);
    unsigned char *wide = allocate(size);
    struct secret *value;

    wide[0] = wide[size - 2] = '"';
    for (size_t i = 0; i < length; i++)
        wide[2 * (i + 1)] = (unsigned char)secret_reveal(password)[i]; /* ours are ASCII */
    value = secret_new(wide, size);
    secret_wipe(wide, size);
    free(wide);
    return value;
}

static bool name_in_use(struct work *work, const char *account_name, bool *used, struct error *err)
{
    AUTO(ldap_entries_clear) struct ldap_entries found = { 0 };
    AUTO(text_free) char *value = ldap_filter_escape(account_name, strlen(account_name));
    AUTO(text_free) char *filter = text_format("(sAMAccountName=%s)", value);
    static const char *const nothing[] = { "objectGUID", NULL };

    if (!ldap_session_search(work->link->domain, ldap_session_base(work->link->domain), SCOPE_SUBTREE, filter,
                             nothing, &found, NULL, err))
        return false;
    *used = found.count > 0;
    return true;
}

static bool create_as(struct work *work, const char *account_name, const char *dn, enum ldap_outcome *outcome,
                      struct error *err)
{
    AUTO(text_free) char *control = text_format("%u", ACCOUNT_WORKSTATION | ACCOUNT_PASSWORD_PERMANENT);
    AUTO(text_free) char *encryption = text_format("%" PRIu32, work->wanted->encryption_types);
    AUTO(secret_free) struct secret *password = quoted(work->wanted->password);
    const char *class = "computer", *description = work->description;
    const struct ldap_change values[] = {
        { CHANGE_ADD, "objectClass", &class, 1, NULL },
        { CHANGE_ADD, "sAMAccountName", &account_name, 1, NULL },
        { CHANGE_ADD, "userAccountControl", (const char *const *)&control, 1, NULL },
        { CHANGE_ADD, "dNSHostName", &work->wanted->fqdn, 1, NULL },
        { CHANGE_ADD, "servicePrincipalName", (const char *const *)work->principals, work->principal_count,
          NULL },
        { CHANGE_ADD, "msDS-SupportedEncryptionTypes", (const char *const *)&encryption, 1, NULL },
        { CHANGE_ADD, "description", &description, 1, NULL },
        { CHANGE_ADD, "unicodePwd", NULL, 0, password },
    };

    if (!ldap_session_add(work->link->domain, dn, values, COUNT_OF(values), outcome, err))
        return false;
    if (*outcome == OUTCOME_DONE)
        return ldap_session_search(work->link->domain, dn, SCOPE_OBJECT, "(objectClass=computer)", attributes,
                                   &work->entry, NULL, err);
    return true;
}

/* What the directory refused to do with a DN, in our words and its own. */
static bool refused(const struct work *work, enum ldap_outcome outcome, const char *what, const char *dn,
                    struct error *err)
{
    const char *words = ldap_session_words(work->link->domain);

    switch (outcome) {
    case OUTCOME_DENIED:
        return error_because(err, REASON_DIRECTORY_NOT_PERMITTED, "%s %s: insufficient access%s", what, dn,
                             words);
    case OUTCOME_ABSENT:
        return error_because(err, REASON_DIRECTORY_NO_CONTAINER, "%s %s: there is no such object%s", what, dn,
                             words);
    default:
        return error_because(err, REASON_DIRECTORY_REFUSED, "%s %s: the directory is unwilling%s", what, dn,
                             words);
    }
}

/*
 * The first of the names that nobody has. Since its updates of November 2021 (KB5008102) the directory takes
 * HOST$iME from domain administrators only, and says so by being unwilling; then HOSTiME$ it is.
 */
static bool create(struct work *work, struct error *err)
{
    bool dollar_last = false;

    for (unsigned n = 1; n <= NAMES_TRIED_MAX; n++) {
        AUTO(text_free) char *name = computer_account_name(work->wanted->fqdn, n, dollar_last);
        AUTO(text_free) char *escaped = ldap_name_escape(name);
        AUTO(text_free) char *dn = text_format("CN=%s,%s", escaped, work->settings->container);
        enum ldap_outcome outcome;
        bool used;

        if (!name_in_use(work, name, &used, err))
            return false;
        if (used)
            continue;
        if (!create_as(work, name, dn, &outcome, err))
            return false;
        if (outcome == OUTCOME_DONE) {
            note(work, "created");
            return true;
        }
        if ((outcome == OUTCOME_UNWILLING || outcome == OUTCOME_VIOLATES) && !dollar_last) {
            dollar_last = true;
            n = 0;
        } else if (outcome != OUTCOME_THERE) {
            return refused(work, outcome, "creating", dn, err);
        }
    }
    return error_because(err, REASON_DIRECTORY_REFUSED, "%d names like %.20s are in use in %s",
                         NAMES_TRIED_MAX, work->wanted->fqdn, ldap_session_base(work->link->domain));
}

/* ---- repairing ---- */

static bool same_text(const struct ldap_entry *entry, const char *attribute, const char *wanted)
{
    const char *found = ldap_entry_text(entry, attribute);

    return found && strcasecmp(found, wanted) == 0;
}

static bool same_principals(const struct ldap_entry *entry, const struct work *work)
{
    const struct ldap_values *found = ldap_entry_values(entry, "servicePrincipalName");
    const char *unused;

    if (!found || found->count != work->principal_count)
        return false;
    for (size_t i = 0; i < work->principal_count; i++) {
        if (!holds(entry, &work->principals[i], 1, &unused))
            return false;
    }
    return true;
}

static uint32_t number_of(const struct ldap_entry *entry, const char *attribute)
{
    const char *text = ldap_entry_text(entry, attribute);

    return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static bool change(struct work *work, const char *attribute, const char *const *texts, size_t count,
                   const struct secret *secret, struct error *err)
{
    const struct ldap_change replace = { CHANGE_REPLACE, attribute, texts, count, secret };

    if (!ldap_session_modify(work->link->domain, object_of(work)->dn, &replace, 1, NULL, err))
        return error_during(err, "%s", attribute);
    note(work, secret ? "password" : attribute);
    return true;
}

static bool repair_text(struct work *work, const char *attribute, const char *wanted, struct error *err)
{
    return same_text(object_of(work), attribute, wanted) || change(work, attribute, &wanted, 1, NULL, err);
}

static bool repair(struct work *work, struct error *err)
{
    uint32_t control = number_of(object_of(work), "userAccountControl");
    AUTO(text_free)
    char *mended =
        text_format("%u", (control & ~ACCOUNT_DISABLED) | ACCOUNT_WORKSTATION | ACCOUNT_PASSWORD_PERMANENT);
    AUTO(text_free) char *encryption = text_format("%" PRIu32, work->wanted->encryption_types);

    return repair_text(work, "userAccountControl", mended, err) &&
           repair_text(work, "dNSHostName", work->wanted->fqdn, err) &&
           (same_principals(object_of(work), work) ||
            change(work, "servicePrincipalName", (const char *const *)work->principals, work->principal_count,
                   NULL, err)) &&
           repair_text(work, "msDS-SupportedEncryptionTypes", encryption, err) &&
           repair_text(work, "description", work->description, err);
}

/* ---- password and group ---- */

static bool read_again(struct work *work, struct error *err)
{
    AUTO(text_free) char *dn = text_copy(object_of(work)->dn);

    return ldap_session_search(work->link->domain, dn, SCOPE_OBJECT, "(objectClass=computer)", attributes,
                               &work->entry, NULL, err);
}

/* Somebody else's password, or none: the firmware's key would open no ticket. */
static bool password_is_stale(const struct work *work)
{
    const struct object_wanted *wanted = work->wanted;

    return wanted->new_password || !wanted->account_name ||
           !same_text(object_of(work), "sAMAccountName", wanted->account_name) ||
           number_of(object_of(work), "msDS-KeyVersionNumber") != wanted->key_version;
}

static bool set_password(struct work *work, struct error *err)
{
    AUTO(secret_free) struct secret *value = quoted(work->wanted->password);

    work->password_set = change(work, "unicodePwd", NULL, 0, value, err);
    return work->password_set && read_again(work, err);
}

static bool is_member(struct work *work, bool *yes, struct error *err)
{
    AUTO(ldap_entries_clear) struct ldap_entries found = { 0 };
    AUTO(text_free) char *dn = ldap_filter_escape(object_of(work)->dn, strlen(object_of(work)->dn));
    AUTO(text_free) char *filter = text_format("(member=%s)", dn);
    static const char *const nothing[] = { "objectGUID", NULL };

    if (!ldap_session_search(work->link->domain, work->settings->group, SCOPE_OBJECT, filter, nothing, &found,
                             NULL, err))
        return false;
    *yes = found.count > 0;
    return true;
}

static bool join_group(struct work *work, struct error *err)
{
    const char *member = object_of(work)->dn;
    const struct ldap_change joining = { CHANGE_ADD, "member", &member, 1, NULL };
    enum ldap_outcome outcome = OUTCOME_DONE;
    bool yes;

    if (!*work->settings->group)
        return true;
    if (!is_member(work, &yes, err))
        return error_during(err, "group of the computers' objects");
    if (yes)
        return true;
    if (!ldap_session_modify(work->link->domain, work->settings->group, &joining, 1, &outcome, err))
        return error_during(err, "group of the computers' objects");
    if (outcome != OUTCOME_DONE && outcome != OUTCOME_THERE)
        return refused(work, outcome, "adding a member to", work->settings->group, err);
    note(work, "member");
    return true;
}

/* ---- all of it ---- */

static bool begin(struct work *work, const struct uuid *uuid, struct error *err)
{
    char text[UUID_TEXT_SIZE];

    work->description = text_format(MARK "%s", uuid_text(uuid, text));
    return ldap_session_ready(work->link->domain, err);
}

static bool tell(struct work *work, struct object_found *found, struct error *err)
{
    const struct ldap_entry *object = object_of(work);
    const struct ldap_values *guid = object ? ldap_entry_values(object, "objectGUID") : NULL;

    if (!guid || guid->values[0].length != DIRECTORY_GUID_BYTES || !ldap_entry_text(object, "sAMAccountName"))
        return error_because(err, REASON_DIRECTORY_REFUSED,
                             "the object of %s cannot be read back from %s: its GUID or name is hidden",
                             work->wanted->fqdn, ldap_session_server(work->link->domain));
    object_found_clear(found);
    found->guid.known = true;
    memcpy(found->guid.bytes, guid->values[0].data, DIRECTORY_GUID_BYTES);
    found->dn = text_copy(object->dn);
    found->account_name = text_copy(ldap_entry_text(object, "sAMAccountName"));
    found->domain = directory_domain_of(ldap_session_base(work->link->domain));
    found->key_version = number_of(object, "msDS-KeyVersionNumber");
    memcpy(found->principals, work->principals, sizeof(found->principals));
    found->principal_count = work->principal_count;
    work->principal_count = 0;
    found->password_set = work->password_set;
    found->changes = work->changes ? TAKE(work->changes) : text_copy("");
    return true;
}

bool computer_object_keep(struct directory_link *link, const struct object_settings *settings,
                          const struct object_wanted *wanted, struct object_found *found, struct error *err)
{
    AUTO(work_clear) struct work work = { .link = link, .settings = settings, .wanted = wanted };

    if (!begin(&work, &wanted->uuid, err) || !find_object(&work, &wanted->guid, err) ||
        !settle_principals(&work, err))
        return false;
    if (!object_of(&work)) {
        if (!create(&work, err))
            return false;
        work.password_set = true;
    } else if (!repair(&work, err) || (password_is_stale(&work) && !set_password(&work, err))) {
        return false;
    }
    return join_group(&work, err) && tell(&work, found, err);
}

bool computer_object_remove(struct directory_link *link, const struct object_settings *settings,
                            const struct uuid *uuid, const struct object_guid *guid, struct error *err)
{
    AUTO(work_clear) struct work work = { .link = link, .settings = settings };
    enum ldap_outcome outcome;

    if (!begin(&work, uuid, err) || !find_object(&work, guid, err))
        return false;
    if (!object_of(&work))
        return true;
    if (!ldap_session_delete(link->domain, object_of(&work)->dn, &outcome, err))
        return false;
    return outcome == OUTCOME_DONE || outcome == OUTCOME_ABSENT ||
           refused(&work, outcome, "deleting", object_of(&work)->dn, err);
}
