/*
 * service_access.c - users and their rights: SecurityAdministration, AMT SDK "User ACL".
 */
#include "acl.h"
#include "service.h"

#include <stdlib.h>
#include <string.h>

enum { REALMS_MAX = 16, HIGHEST_REALM = 21, HANDLES_MAX = 7 };

static const char *const permissions[] = { "LocalAccessPermission", "NetworkAccessPermission",
                                           "AnyAccessPermission", NULL };
static const char *const realm_options[] = { "Auth", "NoAuth", "Disable", NULL }; /* the first from factory */

/* ---- reading ---- */

static void read_realms(const struct device *device, const xmlNode *entry, struct acl_wish *wish)
{
    unsigned highest = device->generation->highest_realm;

    wish->highest_realm = highest < HIGHEST_REALM ? highest : HIGHEST_REALM;
    wish->realm_count = value_numbers(value_node(entry, "Realms"), "Realm", wish->realms, REALMS_READ_MAX);
    if (wish->realm_count > REALMS_MAX)
        wish->realm_count = UINT32_MAX; /* more than an entry holds */
}

/* The form of 2.0 with a hash or a SID. */
static bool read_entry_ex(struct call *call, const xmlNode *input, struct acl_wish *wish)
{
    const xmlNode *entry = value_node(input, "EntryEx");
    const xmlNode *digest = value_node(entry, "DigestUser"), *kerberos = value_node(entry, "KerberosUser");

    *wish = (struct acl_wish){ .digest = digest, .kerberos = kerberos };
    if (!digest == !kerberos) {
        refuse_with(call, FAULT_SCHEMA_VALIDATION);
        return false;
    }
    wish->name = value_text(digest, "Username");
    value_bytes(digest, "DigestPassword", &wish->a1, &wish->a1_length);
    value_bytes(kerberos, "Sid", &wish->sid, &wish->sid_length);
    if (!word_number(entry, "AccessPermission", permissions, &wish->access))
        wish->access = UINT32_MAX;
    read_realms(call->device, entry, wish);
    return true;
}

/* The form of 1.0 with the password itself. False: a password that is not strong. */
static bool read_entry(struct call *call, const xmlNode *input, struct acl_wish *wish)
{
    const xmlNode *entry = value_node(input, "Entry");
    AUTO(free_text) char *password = value_text(entry, "Password");

    *wish = (struct acl_wish){ .digest = true, .access = 1 }; /* network [inferred] */
    wish->name = value_text(entry, "Username");
    wish->a1 = allocate(DIGEST_A1_LENGTH);
    wish->a1_length = DIGEST_A1_LENGTH;
    digest_a1(wish->name, call->device->realm, password, wish->a1);
    read_realms(call->device, entry, wish);
    return password_strong(password, 8, 32);
}

/* ---- users ---- */

static uint32_t add_wish(struct call *call, struct acl_wish *wish, struct text *out)
{
    uint32_t handle = 0;
    enum amt_status status = acl_add(call->device, wish, &handle);

    if (!status)
        write_number(out, "Handle", handle);
    acl_wish_release(wish);
    return (uint32_t)status;
}

static uint32_t add_user_ex(struct call *call, const xmlNode *input, struct text *out)
{
    struct acl_wish wish;

    return read_entry_ex(call, input, &wish) ? add_wish(call, &wish, out) : AMT_SUCCESS;
}

static uint32_t add_user(struct call *call, const xmlNode *input, struct text *out)
{
    struct acl_wish wish;

    if (read_entry(call, input, &wish))
        return add_wish(call, &wish, out);
    acl_wish_release(&wish);
    return AMT_INVALID_PASSWORD;
}

static uint32_t named_handle(const xmlNode *input)
{
    uint32_t handle = 0;

    value_number(input, "Handle", &handle);
    return handle;
}

static uint32_t update_wish(struct call *call, const xmlNode *input, struct acl_wish *wish)
{
    enum amt_status status = acl_update(call->device, named_handle(input), wish);

    acl_wish_release(wish);
    return (uint32_t)status;
}

static uint32_t update_user_ex(struct call *call, const xmlNode *input, struct text *out)
{
    struct acl_wish wish;

    (void)out;
    return read_entry_ex(call, input, &wish) ? update_wish(call, input, &wish) : AMT_SUCCESS;
}

static uint32_t update_user(struct call *call, const xmlNode *input, struct text *out)
{
    struct acl_wish wish;

    (void)out;
    if (read_entry(call, input, &wish))
        return update_wish(call, input, &wish);
    acl_wish_release(&wish);
    return AMT_INVALID_PASSWORD;
}

static uint32_t enumerate_users(struct call *call, const xmlNode *input, struct text *out)
{
    const struct device *device = call->device;
    uint32_t start = 0, page;

    value_number(input, "StartIndex", &start);
    if (!start || (start > 1 && start > device->acl_count))
        return AMT_INVALID_INDEX;
    page = (uint32_t)device->acl_count + 1 - start;
    if (page > HANDLES_MAX)
        page = HANDLES_MAX;
    write_number(out, "TotalCount", (uint32_t)device->acl_count);
    write_number(out, "HandleCount", page);
    text_append(out, "<g:Handles>");
    for (uint32_t i = 0; i < page; i++)
        write_number(out, "Handle", device->acl[start - 1 + i].handle);
    text_append(out, "</g:Handles>");
    return AMT_SUCCESS;
}

static void write_realms(struct text *out, const struct acl_entry *entry)
{
    text_append(out, "<g:Realms>");
    for (uint32_t realm = 0; realm < 32; realm++)
        if (entry->realms & 1u << realm)
            write_number(out, "Realm", realm);
    text_append(out, "</g:Realms>");
}

/* Passwords are never told: 16 zero bytes in their place. */
static uint32_t get_user_ex(struct call *call, const xmlNode *input, struct text *out)
{
    static const unsigned char zeros[DIGEST_A1_LENGTH];
    const struct acl_entry *entry = acl_find(call->device, named_handle(input));

    if (!entry)
        return AMT_INVALID_HANDLE;
    text_append(out, "<g:EntryEx>");
    if (entry->sid_length) {
        text_append(out, "<g:KerberosUser>");
        write_bytes(out, "Sid", entry->sid, entry->sid_length);
        text_append(out, "</g:KerberosUser>");
    } else {
        text_append(out, "<g:DigestUser>");
        write_text(out, "Username", entry->user);
        write_bytes(out, "DigestPassword", zeros, sizeof(zeros));
        text_append(out, "</g:DigestUser>");
    }
    write_text(out, "AccessPermission", permissions[entry->access]);
    write_realms(out, entry);
    text_append(out, "</g:EntryEx>");
    return AMT_SUCCESS;
}

static uint32_t get_user(struct call *call, const xmlNode *input, struct text *out)
{
    const struct acl_entry *entry = acl_find(call->device, named_handle(input));

    if (!entry || entry->sid_length) /* this form has no place for a SID */
        return AMT_INVALID_HANDLE;
    text_append(out, "<g:Entry>");
    write_text(out, "Username", entry->user);
    write_text(out, "Password", "");
    write_realms(out, entry);
    text_append(out, "</g:Entry>");
    return AMT_SUCCESS;
}

/* ---- the administrator ---- */

static uint32_t set_admin_ex(struct call *call, const xmlNode *input, struct text *out)
{
    const xmlNode *entry = value_node(input, "EntryEx");
    AUTO(free_text) char *name = value_text(entry, "Username");
    unsigned char *a1 = NULL;
    size_t length = 0;
    enum amt_status status;

    (void)out;
    value_bytes(entry, "DigestPassword", &a1, &length);
    status = acl_set_admin(call->device, name, a1, length);
    free(a1);
    return (uint32_t)status;
}

static uint32_t set_admin(struct call *call, const xmlNode *input, struct text *out)
{
    const xmlNode *entry = value_node(input, "Entry");
    AUTO(free_text) char *name = value_text(entry, "Username");
    AUTO(free_text) char *password = value_text(entry, "Password");
    unsigned char a1[DIGEST_A1_LENGTH];

    (void)out;
    if (!password_strong(password, 8, 32))
        return AMT_INVALID_PASSWORD;
    digest_a1(name, call->device->realm, password, a1);
    return (uint32_t)acl_set_admin(call->device, name, a1, sizeof(a1));
}

static uint32_t get_realm(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    write_text(out, "DigestRealm", call->device->realm);
    return AMT_SUCCESS;
}

/* ---- how a realm's services authenticate; kept, and without effect on them here ---- */

static bool realm_named(const struct device *device, const xmlNode *input, uint32_t *realm)
{
    value_number(input, "Realm", realm);
    return *realm >= 2 && *realm <= HIGHEST_REALM && *realm <= device->generation->highest_realm;
}

static uint32_t set_realm_options(struct call *call, const xmlNode *input, struct text *out)
{
    uint32_t realm = 0, option = 0;

    (void)out;
    if (!realm_named(call->device, input, &realm))
        return AMT_INVALID_REALM;
    if (!word_number(input, "HTTPAuthOption", realm_options, &option))
        return AMT_INVALID_PARAMETER;
    call->device->realm_options[realm] = option;
    return AMT_SUCCESS;
}

static uint32_t get_realm_options(struct call *call, const xmlNode *input, struct text *out)
{
    uint32_t realm = 0;

    if (!realm_named(call->device, input, &realm))
        return AMT_INVALID_REALM;
    write_text(out, "HTTPAuthOption", realm_options[call->device->realm_options[realm]]);
    return AMT_SUCCESS;
}

/* ---- tables ---- */

static const struct member realms[] = { { "Realm", TYPE_NUMBER, LIST, NULL }, { 0 } };
static const struct member entry_1[] = { { "Username", TYPE_TEXT, REQUIRED, NULL },
                                         { "Password", TYPE_TEXT, REQUIRED, NULL },
                                         { "Realms", TYPE_TEXT, REQUIRED, realms },
                                         { 0 } };
static const struct member admin_1[] = { { "Username", TYPE_TEXT, REQUIRED, NULL },
                                         { "Password", TYPE_TEXT, REQUIRED, NULL },
                                         { 0 } };
static const struct member digest_user[] = { { "Username", TYPE_TEXT, REQUIRED, NULL },
                                             { "DigestPassword", TYPE_BASE64, REQUIRED, NULL },
                                             { 0 } };
static const struct member kerberos_user[] = { { "Sid", TYPE_BASE64, REQUIRED, NULL }, { 0 } };
static const struct member entry_ex[] = { { "DigestUser", TYPE_TEXT, 0, digest_user },
                                          { "KerberosUser", TYPE_TEXT, 0, kerberos_user },
                                          { "AccessPermission", TYPE_TEXT, REQUIRED, NULL },
                                          { "Realms", TYPE_TEXT, REQUIRED, realms },
                                          { 0 } };
static const struct member add_members[] = { { "Entry", TYPE_TEXT, REQUIRED, entry_1 }, { 0 } };
static const struct member add_ex_members[] = { { "EntryEx", TYPE_TEXT, REQUIRED, entry_ex }, { 0 } };
static const struct member update_members[] = { { "Handle", TYPE_NUMBER, REQUIRED, NULL },
                                                { "Entry", TYPE_TEXT, REQUIRED, entry_1 },
                                                { 0 } };
static const struct member update_ex_members[] = { { "Handle", TYPE_NUMBER, REQUIRED, NULL },
                                                   { "EntryEx", TYPE_TEXT, REQUIRED, entry_ex },
                                                   { 0 } };
static const struct member admin_members[] = { { "Entry", TYPE_TEXT, REQUIRED, admin_1 }, { 0 } };
static const struct member admin_ex_members[] = { { "EntryEx", TYPE_TEXT, REQUIRED, digest_user }, { 0 } };
static const struct member start_members[] = { { "StartIndex", TYPE_NUMBER, REQUIRED, NULL }, { 0 } };
static const struct member handle_members[] = { { "Handle", TYPE_NUMBER, REQUIRED, NULL }, { 0 } };
static const struct member enabled_members[] = { { "Handle", TYPE_NUMBER, REQUIRED, NULL },
                                                 { "Enabled", TYPE_FLAG, REQUIRED, NULL },
                                                 { 0 } };
static const struct member realm_members[] = { { "Realm", TYPE_NUMBER, REQUIRED, NULL }, { 0 } };
static const struct member realm_option_members[] = { { "Realm", TYPE_NUMBER, REQUIRED, NULL },
                                                      { "HTTPAuthOption", TYPE_TEXT, REQUIRED, NULL },
                                                      { 0 } };

const struct service_call access_calls[] = {
    { TWIN("AMT_AuthorizationService", "GetAdminAclEntry"), .reads_only = true },
    { .name = "SetAdminAclEntry", .run = set_admin, .members = admin_members },
    { .name = "SetAdminAclEntryEx", .run = set_admin_ex, .members = admin_ex_members },
    { .name = "GetDigestRealm", .run = get_realm, .reads_only = true },
    { .name = "AddUserAclEntry", .run = add_user, .members = add_members },
    { .name = "AddUserAclEntryEx", .run = add_user_ex, .members = add_ex_members },
    { .name = "EnumerateUserAclEntries",
      .run = enumerate_users,
      .members = start_members,
      .reads_only = true },
    { .name = "GetUserAclEntry", .run = get_user, .members = handle_members, .reads_only = true },
    { .name = "GetUserAclEntryEx", .run = get_user_ex, .members = handle_members, .reads_only = true },
    { .name = "UpdateUserAclEntry", .run = update_user, .members = update_members },
    { .name = "UpdateUserAclEntryEx", .run = update_user_ex, .members = update_ex_members },
    { TWIN("AMT_AuthorizationService", "RemoveUserAclEntry"), .members = handle_members },
    { TWIN("AMT_AuthorizationService", "SetAclEnabledState"), .members = enabled_members },
    { TWIN("AMT_AuthorizationService", "GetAclEnabledState"), .members = handle_members, .reads_only = true },
    { .name = "SetRealmAuthOptions", .run = set_realm_options, .members = realm_option_members },
    { .name = "GetRealmAuthOptions", .run = get_realm_options, .members = realm_members, .reads_only = true },
    { 0 },
};
