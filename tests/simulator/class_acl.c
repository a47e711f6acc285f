/*
 * class_acl.c - users and their rights: AMT_AuthorizationService.
 */
#include "acl.h"

#include "encoding.h"

#include <stdlib.h>
#include <string.h>

enum {
    DOMAIN_LENGTH = 24, /* the part of a SID that names its domain */
    REALM_LOCAL_SYSTEM = 24,
    ACCESS_LOCAL = 0,
    ACCESS_HIGHEST = 2,
};

static void describe_authorization(struct device *device, unsigned index, struct instance *instance)
{
    (void)index;
    instance_service(instance, "AMT_AuthorizationService", "Intel(r) AMT Authorization Service");
    instance_text(instance, "ElementName", "Intel(r) AMT Authorization Service");
    instance_number(instance, "EnabledState", 5);
    instance_number(instance, "RequestedState", 12);
    if (device->generation->offers_auth_int)
        instance_number(instance, "AllowHttpQopAuthOnly", device->plain_digest_allowed);
}

static void put_authorization(struct call *call, unsigned index, const xmlNode *body)
{
    uint32_t plain;

    (void)index;
    if (!value_number(body, "AllowHttpQopAuthOnly", &plain))
        return;
    if (plain > 1 || !call->device->generation->offers_auth_int)
        refuse(call, AMT_INVALID_PARAMETER);
    else
        call->device->plain_digest_allowed = plain;
}

/* ---- rules ---- */

static bool user_name_valid(const char *name)
{
    size_t length = strlen(name);

    if (!length || length >= USER_NAME_ROOM || !strncmp(name, "$$", 2))
        return false;
    for (; *name; name++)
        if (*name < 33 || *name > 126 || strchr("(),:\"&<>", *name))
            return false;
    return true;
}

struct acl_entry *acl_find(struct device *device, uint32_t handle)
{
    for (size_t i = 0; i < device->acl_count; i++)
        if (device->acl[i].handle == handle)
            return &device->acl[i];
    return NULL;
}

static bool system_entry(const struct acl_entry *entry)
{
    return !strncmp(entry->user, "$$", 2);
}

static unsigned count_entries(const struct device *device, bool kerberos)
{
    unsigned count = 0;

    for (size_t i = 0; i < device->acl_count; i++)
        count += !system_entry(&device->acl[i]) && (device->acl[i].sid_length > 0) == kerberos;
    return count;
}

void acl_wish_release(struct acl_wish *wish)
{
    free(wish->name);
    free(wish->a1);
    free(wish->sid);
    *wish = (struct acl_wish){ 0 };
}

/* which: the entry itself in an Update, else NULL. */
static enum amt_status check_digest_user(struct device *device, const struct acl_wish *wish,
                                         const struct acl_entry *which, struct acl_entry *entry)
{
    const char *name = wish->name;

    if (!name || !user_name_valid(name) || !strcmp(name, "Admin") || !strcmp(name, "Administrator"))
        return AMT_INVALID_NAME;
    if (!strcmp(name, device->admin_user))
        return AMT_DUPLICATE;
    for (size_t i = 0; i < device->acl_count; i++)
        if (&device->acl[i] != which && !strcmp(device->acl[i].user, name))
            return AMT_DUPLICATE;
    if (!wish->a1 || wish->a1_length != DIGEST_A1_LENGTH)
        return AMT_INVALID_PASSWORD; /* 16 raw bytes of MD5, not its hexadecimal text */
    strcpy(entry->user, name);
    memcpy(entry->a1, wish->a1, DIGEST_A1_LENGTH);
    return AMT_SUCCESS;
}

static bool sid_valid(const unsigned char *sid, size_t length)
{
    return length >= 8 && length <= SID_MAX_LENGTH && length % 4 == 0 && sid[0] == 1 &&
           length == 8 + 4u * sid[1];
}

static bool same_domain(const unsigned char *left, size_t left_length, const unsigned char *right,
                        size_t right_length)
{
    size_t left_part = left_length < DOMAIN_LENGTH ? left_length : DOMAIN_LENGTH;
    size_t right_part = right_length < DOMAIN_LENGTH ? right_length : DOMAIN_LENGTH;

    return left_part == right_part && !memcmp(left, right, left_part);
}

static bool domain_fits(const struct device *device, const unsigned char *sid, size_t length)
{
    unsigned domains = 0;

    for (size_t i = 0; i < device->acl_count; i++) {
        const struct acl_entry *entry = &device->acl[i];
        bool first = entry->sid_length > 0;

        if (first && same_domain(entry->sid, entry->sid_length, sid, length))
            return true;
        for (size_t j = 0; first && j < i; j++)
            first =
                !same_domain(entry->sid, entry->sid_length, device->acl[j].sid, device->acl[j].sid_length);
        domains += first;
    }
    return domains < device->switches.domains_max;
}

static enum amt_status check_kerberos_user(struct device *device, const struct acl_wish *wish,
                                           const struct acl_entry *which, struct acl_entry *entry)
{
    const unsigned char *sid = wish->sid;
    size_t length = wish->sid_length;

    if (!sid || !sid_valid(sid, length))
        return AMT_INVALID_PARAMETER;
    if (!device->kerberos.enabled) /* KrbEnabled comes first */
        return AMT_NOT_PERMITTED;
    if (!domain_fits(device, sid, length))
        return AMT_MAX_KERB_DOMAIN_REACHED;
    for (size_t i = 0; i < device->acl_count; i++)
        if (&device->acl[i] != which && device->acl[i].sid_length == length &&
            !memcmp(device->acl[i].sid, sid, length))
            return AMT_DUPLICATE;
    memcpy(entry->sid, sid, length);
    entry->sid_length = (uint8_t)length;
    return AMT_SUCCESS;
}

static enum amt_status check_realms(const struct acl_wish *wish, struct acl_entry *entry)
{
    if (wish->realm_count > REALMS_READ_MAX)
        return AMT_INVALID_REALM;
    for (unsigned i = 0; i < wish->realm_count; i++) {
        uint32_t realm = wish->realms[i];

        if (realm < 2 || realm > wish->highest_realm || realm == 22 || realm == 23)
            return AMT_INVALID_REALM;
        if (realm == REALM_LOCAL_SYSTEM && entry->access != ACCESS_LOCAL)
            return AMT_INVALID_REALM;
        entry->realms |= 1u << realm;
    }
    return AMT_SUCCESS;
}

static enum amt_status check_wish(struct device *device, const struct acl_wish *wish,
                                  const struct acl_entry *which, struct acl_entry *entry)
{
    enum amt_status status;

    if (wish->digest == wish->kerberos || wish->access > ACCESS_HIGHEST)
        return AMT_INVALID_PARAMETER;
    entry->access = (uint8_t)wish->access;
    status = wish->digest ? check_digest_user(device, wish, which, entry)
                          : check_kerberos_user(device, wish, which, entry);
    return status ? status : check_realms(wish, entry);
}

static void read_wish(const struct device *device, const xmlNode *input, struct acl_wish *wish)
{
    *wish = (struct acl_wish){ .highest_realm = device->generation->highest_realm };
    wish->digest = value_node(input, "DigestUsername") || value_node(input, "DigestPassword");
    wish->kerberos = value_node(input, "KerberosUserSid") != NULL;
    wish->name = value_text(input, "DigestUsername");
    value_bytes(input, "DigestPassword", &wish->a1, &wish->a1_length);
    value_bytes(input, "KerberosUserSid", &wish->sid, &wish->sid_length);
    value_number(input, "AccessPermission", &wish->access);
    wish->realm_count = value_numbers(input, "Realms", wish->realms, REALMS_READ_MAX);
}

/* ---- entries ---- */

static uint32_t next_handle(const struct device *device)
{
    uint32_t highest = 0;

    for (size_t i = 0; i < device->acl_count; i++)
        if (device->acl[i].handle > highest)
            highest = device->acl[i].handle;
    return highest + 1;
}

enum amt_status acl_add(struct device *device, const struct acl_wish *wish, uint32_t *handle)
{
    struct acl_entry entry = { .enabled = true };
    enum amt_status status = check_wish(device, wish, NULL, &entry);

    if (status)
        return status;
    if (count_entries(device, wish->kerberos) >= (wish->kerberos ? ACL_MAX_KERBEROS : ACL_MAX_DIGEST))
        return AMT_MAX_LIMIT_REACHED;
    entry.handle = next_handle(device);
    device->acl = reallocate(device->acl, (device->acl_count + 1) * sizeof(entry));
    device->acl[device->acl_count++] = entry;
    device_acl_changed(device);
    *handle = entry.handle;
    return AMT_SUCCESS;
}

static uint32_t add_user(struct call *call, const xmlNode *input, struct text *out)
{
    struct acl_wish wish;
    uint32_t handle;
    enum amt_status status;

    read_wish(call->device, input, &wish);
    status = acl_add(call->device, &wish, &handle);
    if (!status)
        text_format(out, "<g:Handle>%u</g:Handle>", handle);
    acl_wish_release(&wish);
    return (uint32_t)status;
}

static struct acl_entry *named_entry(struct call *call, const xmlNode *input)
{
    uint32_t handle = 0;

    value_number(input, "Handle", &handle);
    return acl_find(call->device, handle);
}

enum amt_status acl_update(struct device *device, uint32_t handle, const struct acl_wish *wish)
{
    struct acl_entry *old = acl_find(device, handle), entry = { 0 };
    enum amt_status status;

    if (!old)
        return AMT_INVALID_HANDLE;
    if (system_entry(old))
        return AMT_NOT_PERMITTED;
    status = check_wish(device, wish, old, &entry);
    if (status)
        return status;
    entry.handle = old->handle;
    entry.enabled = old->enabled;
    *old = entry;
    device_acl_changed(device);
    return AMT_SUCCESS;
}

static uint32_t update_user(struct call *call, const xmlNode *input, struct text *out)
{
    struct acl_wish wish;
    uint32_t handle = 0;
    enum amt_status status;

    (void)out;
    value_number(input, "Handle", &handle);
    read_wish(call->device, input, &wish);
    status = acl_update(call->device, handle, &wish);
    acl_wish_release(&wish);
    return (uint32_t)status;
}

static uint32_t remove_user(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    struct acl_entry *entry = named_entry(call, input);
    uint32_t handle;
    size_t after;

    (void)out;
    if (!entry)
        return AMT_INVALID_HANDLE;
    if (system_entry(entry))
        return AMT_NOT_PERMITTED;
    handle = entry->handle;
    after = device->acl_count - (size_t)(entry - device->acl) - 1;
    memmove(entry, entry + 1, after * sizeof(*entry));
    device->acl_count--;
    for (size_t i = 0; device->switches.acl_renumbered && i < device->acl_count; i++)
        device->acl[i].handle -= device->acl[i].handle > handle;
    device_acl_changed(device);
    return AMT_SUCCESS;
}

static uint32_t enumerate_users(struct call *call, const xmlNode *input, struct text *out)
{
    const struct device *device = call->device;
    uint32_t start = 0, page;

    value_number(input, "StartIndex", &start);
    if (!start || (start > 1 && start > device->acl_count))
        return AMT_INVALID_INDEX;
    page = (uint32_t)device->acl_count + 1 - start;
    if (page > device->switches.acl_page)
        page = device->switches.acl_page;
    text_format(out, "<g:TotalCount>%zu</g:TotalCount><g:HandlesCount>%u</g:HandlesCount>", device->acl_count,
                page);
    for (uint32_t i = 0; i < page; i++)
        text_format(out, "<g:Handles>%u</g:Handles>", device->acl[start - 1 + i].handle);
    return AMT_SUCCESS;
}

static uint32_t get_user(struct call *call, const xmlNode *input, struct text *out)
{
    const struct acl_entry *entry = named_entry(call, input);

    if (!entry)
        return AMT_INVALID_HANDLE;
    if (entry->sid_length) {
        text_append(out, "<g:KerberosUserSid>");
        base64_append(out, entry->sid, entry->sid_length);
        text_append(out, "</g:KerberosUserSid>");
    } else {
        text_append(out, "<g:DigestUsername>");
        text_escape(out, entry->user);
        text_append(out, "</g:DigestUsername>");
    }
    text_format(out, "<g:AccessPermission>%u</g:AccessPermission>", entry->access);
    for (unsigned realm = 0; realm < 32; realm++)
        if (entry->realms & 1u << realm)
            text_format(out, "<g:Realms>%u</g:Realms>", realm);
    return AMT_SUCCESS;
}

static uint32_t set_enabled(struct call *call, const xmlNode *input, struct text *out)
{
    struct acl_entry *entry = named_entry(call, input);

    (void)out;
    if (!entry)
        return AMT_INVALID_HANDLE;
    value_flag(input, "Enabled", &entry->enabled);
    device_acl_changed(call->device);
    return AMT_SUCCESS;
}

static uint32_t get_enabled(struct call *call, const xmlNode *input, struct text *out)
{
    const struct acl_entry *entry = named_entry(call, input);

    if (!entry)
        return AMT_INVALID_HANDLE;
    text_format(out, "<g:Enabled>%s</g:Enabled>", entry->enabled ? "true" : "false");
    return AMT_SUCCESS;
}

/* ---- the administrator ---- */

static enum amt_status check_admin(struct device *device, const char *name, size_t a1_length)
{
    const char *reserved = device->generation->major < 4 ? "Administrator" : "Admin";

    if (!user_name_valid(name) || !strcmp(name, reserved))
        return AMT_INVALID_NAME;
    for (size_t i = 0; i < device->acl_count; i++)
        if (!strcmp(device->acl[i].user, name))
            return AMT_INVALID_NAME;
    return a1_length == DIGEST_A1_LENGTH ? AMT_SUCCESS : AMT_INVALID_PASSWORD;
}

enum amt_status acl_set_admin(struct device *device, const char *name, const unsigned char *a1, size_t length)
{
    enum amt_status status = check_admin(device, name, length);

    if (status)
        return status;
    strcpy(device->admin_user, name);
    memcpy(device->admin_a1, a1, DIGEST_A1_LENGTH);
    device->admin_is_default = false;
    device_acl_changed(device);
    return AMT_SUCCESS;
}

static uint32_t set_admin(struct call *call, const xmlNode *input, struct text *out)
{
    AUTO(free_text) char *name = value_text(input, "Username");
    unsigned char *a1 = NULL;
    size_t length = 0;
    enum amt_status status;

    (void)out;
    value_bytes(input, "DigestPassword", &a1, &length);
    status = acl_set_admin(call->device, name, a1, length);
    free(a1);
    return (uint32_t)status;
}

static uint32_t get_admin(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    text_append(out, "<g:Username>");
    text_escape(out, call->device->admin_user);
    text_append(out, "</g:Username>");
    return AMT_SUCCESS;
}

static uint32_t get_admin_status(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    text_format(out, "<g:IsDefault>%s</g:IsDefault>", call->device->mebx_is_default ? "true" : "false");
    return AMT_SUCCESS;
}

static uint32_t get_net_admin_status(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    text_format(out, "<g:IsDefault>%s</g:IsDefault>", call->device->admin_is_default ? "true" : "false");
    return AMT_SUCCESS;
}

/* ---- table ---- */

static const struct parameter authorization_properties[] = {
    { "AllowHttpQopAuthOnly", TYPE_NUMBER, 0 },
    { "CreationClassName", TYPE_TEXT, 0 },
    { "ElementName", TYPE_TEXT, 0 },
    { "EnabledState", TYPE_SHORT, 0 },
    { "Name", TYPE_TEXT, 0 },
    { "RequestedState", TYPE_SHORT, 0 },
    { "SystemCreationClassName", TYPE_TEXT, 0 },
    { "SystemName", TYPE_TEXT, 0 },
    { 0 },
};

static const struct parameter add_parameters[] = {
    { "DigestUsername", TYPE_TEXT, 0 },         { "DigestPassword", TYPE_BASE64, 0 },
    { "KerberosUserSid", TYPE_BASE64, 0 },      { "AccessPermission", TYPE_NUMBER, REQUIRED },
    { "Realms", TYPE_NUMBER, REQUIRED | LIST }, { 0 },
};
static const struct parameter update_parameters[] = {
    { "Handle", TYPE_NUMBER, REQUIRED },
    { "DigestUsername", TYPE_TEXT, 0 },
    { "DigestPassword", TYPE_BASE64, 0 },
    { "KerberosUserSid", TYPE_BASE64, 0 },
    { "AccessPermission", TYPE_NUMBER, REQUIRED },
    { "Realms", TYPE_NUMBER, REQUIRED | LIST },
    { 0 },
};
static const struct parameter handle_parameter[] = { { "Handle", TYPE_NUMBER, REQUIRED }, { 0 } };
static const struct parameter start_parameter[] = { { "StartIndex", TYPE_NUMBER, REQUIRED }, { 0 } };
static const struct parameter enabled_parameters[] = { { "Handle", TYPE_NUMBER, REQUIRED },
                                                       { "Enabled", TYPE_FLAG, REQUIRED },
                                                       { 0 } };
static const struct parameter admin_parameters[] = { { "Username", TYPE_TEXT, REQUIRED },
                                                     { "DigestPassword", TYPE_BASE64, REQUIRED },
                                                     { 0 } };

static const struct method authorization_methods[] = {
    { .name = "AddUserAclEntryEx", .run = add_user, .parameters = add_parameters },
    { .name = "EnumerateUserAclEntries",
      .run = enumerate_users,
      .parameters = start_parameter,
      .reads_only = true },
    { .name = "GetUserAclEntryEx", .run = get_user, .parameters = handle_parameter, .reads_only = true },
    { .name = "UpdateUserAclEntryEx", .run = update_user, .parameters = update_parameters },
    { .name = "RemoveUserAclEntry", .run = remove_user, .parameters = handle_parameter },
    { .name = "SetAdminAclEntryEx", .run = set_admin, .parameters = admin_parameters },
    { .name = "GetAdminAclEntry", .run = get_admin, .reads_only = true },
    { .name = "GetAdminAclEntryStatus", .run = get_admin_status, .reads_only = true },
    { .name = "GetAdminNetAclEntryStatus", .run = get_net_admin_status, .reads_only = true },
    { .name = "SetAclEnabledState", .run = set_enabled, .parameters = enabled_parameters },
    { .name = "GetAclEnabledState", .run = get_enabled, .parameters = handle_parameter, .reads_only = true },
    { 0 },
};

const struct class acl_classes[] = {
    { .name = "AMT_AuthorizationService",
      .schema = SCHEMA_AMT,
      .keys = { "SystemCreationClassName", "SystemName", "CreationClassName", "Name" },
      .describe = describe_authorization,
      .properties = authorization_properties,
      .put = put_authorization,
      .methods = authorization_methods,
      .read_realms = MAY(REALM_ACL),
      .write_realms = MAY(REALM_ACL) },
    { 0 },
};
