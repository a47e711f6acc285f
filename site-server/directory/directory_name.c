#include "directory/directory_name.h"

#include <string.h>

/* The partition of the domain (MS-ADTS 6.1.1.2.1.1.2): its short name stands there, and its base. */
static bool find_domain(struct directory_link *link, const char *name, size_t length, char **base,
                        struct error *err)
{
    AUTO(ldap_entries_clear) struct ldap_entries found = { 0 };
    AUTO(text_free) char *value = ldap_filter_escape(name, length);
    AUTO(text_free) char *filter = text_format("(&(objectClass=crossRef)(nETBIOSName=%s))", value);
    AUTO(text_free)
    char *partitions = text_format("CN=Partitions,%s", ldap_session_configuration(link->domain));
    static const char *const attributes[] = { "nCName", NULL };

    if (!ldap_session_search(link->domain, partitions, SCOPE_CHILDREN, filter, attributes, &found, NULL, err))
        return false;
    if (!found.count || !ldap_entry_text(&found.items[0], "nCName"))
        return error_because(err, REASON_DIRECTORY_NAME_UNKNOWN, "%s: the forest has no domain of that name",
                             name);
    *base = text_copy(ldap_entry_text(&found.items[0], "nCName"));
    return true;
}

/* The catalogue knows the accounts of every domain of the forest. */
static bool find_account(struct directory_link *link, const char *base, const char *account,
                         struct ldap_entries *found, struct error *err)
{
    AUTO(text_free) char *value = ldap_filter_escape(account, strlen(account));
    AUTO(text_free)
    char *filter = text_format("(&(sAMAccountName=%s)(|(objectClass=group)(objectClass=user)))", value);
    static const char *const attributes[] = { "objectSid", NULL };

    return ldap_session_ready(link->catalog, err) &&
           ldap_session_search(link->catalog, base, SCOPE_SUBTREE, filter, attributes, found, NULL, err);
}

/* MS-DTYP 2.4.2.2: revision, number of sub-authorities, six octets of authority, four for each of them. */
static bool well_formed(const struct bytes *sid)
{
    return sid->length >= 8 && sid->data[0] == 1 && sid->length == 8 + 4 * (size_t)sid->data[1] &&
           sid->length <= SID_BYTES_MAX;
}

bool directory_name_look_up(struct directory_link *link, const char *name, struct bytes *sid,
                            struct error *err)
{
    AUTO(ldap_entries_clear) struct ldap_entries found = { 0 };
    AUTO(text_free) char *base = NULL;
    const char *account = strchr(name, '\\');
    const struct ldap_values *values;

    if (!account)
        return error_because(err, REASON_DIRECTORY_NAME_UNKNOWN, "%s is no DOMAIN\\name", name);
    if (!ldap_session_ready(link->domain, err) ||
        !find_domain(link, name, (size_t)(account - name), &base, err) ||
        !find_account(link, base, account + 1, &found, err))
        return error_during(err, "looking up %s", name);
    values = found.count ? ldap_entry_values(&found.items[0], "objectSid") : NULL;
    if (!values || !values->count)
        return error_because(err, REASON_DIRECTORY_NAME_UNKNOWN, "%s has no user or group %s", base,
                             account + 1);
    if (!well_formed(&values->values[0]))
        return error_because(err, REASON_DIRECTORY_REFUSED, "%s has a SID that AMT cannot hold", name);
    bytes_set(sid, values->values[0].data, values->values[0].length);
    return true;
}
