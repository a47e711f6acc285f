#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "check.h"
#include "directory_config.h"

#define SUBJECT        "directory"
#define SKEW_MOST_S    300 /* RFC 4120 1.6: what Kerberos tolerates where nothing else is agreed */
#define SKEW_STRANGE_S 60

static void problem(struct check *check, const struct error *err)
{
    const char *remedy =
        err->reason ? reason_of(err->reason)->remedy : "mend the directory's part of the configuration";

    check_find(check, LEVEL_PROBLEM, SUBJECT, remedy, "%s", err->message);
}

static void check_clock(struct check *check, const struct ldap_session *session)
{
    int64_t skew_s = ldap_session_skew_s(session), size_s = skew_s < 0 ? -skew_s : skew_s;
    enum level level = size_s > SKEW_MOST_S      ? LEVEL_PROBLEM
                       : size_s > SKEW_STRANGE_S ? LEVEL_WARNING
                                                 : LEVEL_OK;

    check_find(check, level, SUBJECT,
               level == LEVEL_OK ? "" : "synchronize the clocks: tickets depend on them",
               "%s lets us in; its clock is %" PRId64 " s %s ours", ldap_session_server(session), size_s,
               skew_s < 0 ? "behind" : "ahead of");
}

/* One by one: fail-over hides that one of them does not answer. False: none lets us in. */
static bool check_controllers(struct check *check, const struct ldap_settings *settings, const char *servers)
{
    AUTO(text_free) char *list = text_copy(servers);
    bool any = false;
    char *rest = NULL;

    for (char *url = strtok_r(list, " \t,", &rest); url; url = strtok_r(NULL, " \t,", &rest)) {
        struct ldap_settings one = *settings;
        struct error err = { 0 };

        one.servers = url;
        AUTO(ldap_session_free) struct ldap_session *session = ldap_session_new(&one, false);

        if (ldap_session_ready(session, &err)) {
            check_clock(check, session);
            any = true;
        } else {
            problem(check, &err);
        }
    }
    return any;
}

/* Constructed attributes say what this account may do (MS-ADTS 3.1.1.4.5.6, 3.1.1.4.5.8). */
static bool may(const struct ldap_entry *entry, const char *attribute, const char *thing)
{
    const struct ldap_values *values = ldap_entry_values(entry, attribute);

    for (size_t i = 0; values && i < values->count; i++) {
        if (strcasecmp((const char *)values->values[i].data, thing) == 0)
            return true;
    }
    return false;
}

static void check_right(struct check *check, struct ldap_session *session, const char *dn,
                        const char *attribute, const char *thing, const char *right)
{
    AUTO(ldap_entries_clear) struct ldap_entries found = { 0 };
    const char *const attributes[] = { attribute, NULL };
    struct error err = { 0 };

    if (!ldap_session_search(session, dn, SCOPE_OBJECT, "(objectClass=*)", attributes, &found, NULL, &err))
        problem(check, &err);
    else if (found.count && may(&found.items[0], attribute, thing))
        check_find(check, LEVEL_OK, SUBJECT, "", "we may %s %s", right, dn);
    else
        check_find(check, LEVEL_PROBLEM, SUBJECT, reason_of(REASON_DIRECTORY_NOT_PERMITTED)->remedy,
                   "we may not %s %s", right, dn);
}

static void check_catalog(struct check *check, const struct ldap_settings *settings)
{
    AUTO(ldap_session_free) struct ldap_session *catalog = ldap_session_new(settings, true);
    struct error err = { 0 };

    if (ldap_session_ready(catalog, &err))
        check_find(check, LEVEL_OK, SUBJECT, "", "%s answers as global catalogue",
                   ldap_session_server(catalog));
    else
        check_find(check, LEVEL_PROBLEM, SUBJECT,
                   "name domain controllers with a global catalogue in directory.global_catalogs", "%s",
                   err.message);
}

static void check_rights(struct check *check, const struct directory_settings *settings)
{
    AUTO(ldap_session_free) struct ldap_session *session = ldap_session_new(&settings->ldap, false);
    struct error err = { 0 };

    if (!ldap_session_ready(session, &err)) {
        problem(check, &err);
        return;
    }
    check_right(check, session, settings->object.container, "allowedChildClassesEffective", "computer",
                "create computers in");
    if (*settings->object.group)
        check_right(check, session, settings->object.group, "allowedAttributesEffective", "member",
                    "change the members of");
}

static void check_configured(struct check *check, const struct config *config)
{
    AUTO(secret_free) struct secret *password = NULL;
    struct directory_settings settings;
    struct error err = { 0 };

    if (!*config->directory_servers) {
        check_find(check, LEVEL_OK, SUBJECT, "", "none is configured");
        return;
    }
    if (*config->directory_keytab)
        directory_use_keytab(config->directory_keytab);
    if (!directory_password_read(config, &password, &err) || !directory_keytab_check(config, &err)) {
        problem(check, &err);
        return;
    }
    directory_settings_of(config, password, &settings);
    if (!check_controllers(check, &settings.ldap, config->directory_servers))
        return;
    check_catalog(check, &settings.ldap);
    check_rights(check, &settings);
}

void check_directory(struct check *check, const char *config_file)
{
    const struct config_command command = { .file = config_file };
    struct config config = { 0 };
    struct error err = { 0 };

    if (!site_config_read(&command, &config, &err)) {
        problem(check, &err);
        return;
    }
    check_configured(check, &config);
    site_config_clear(&config);
}
