#include "firmware/wsman.h"

#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "firmware/status.h"
#include "firmware/wsman_call.h"

READER(acl__out)

static bool acl_call(struct connection *connection, const char *method, const struct acl__in *in, bool once,
                     struct acl__out **out, struct error *err)
{
    struct wsman_input input = { .type = SOAP_TYPE_acl__in, .data = in, .once = once };
    struct acl__out *got = wsman_method(connection, &class_acl, method, &input, read_acl__out, err);

    if (!got || !wsman_returned(&class_acl, method, got->ReturnValue, err))
        return false;
    if (out)
        *out = got;
    return true;
}

/* The hash is as good as the password. */
static void base64_wipe(char **text)
{
    if (*text)
        secret_wipe(*text, strlen(*text));
    text_free(text);
}

bool wsman_admin_set(struct connection *connection, const char *user, const uint8_t a1[DIGEST_HASH_SIZE],
                     struct error *err)
{
    AUTO(base64_wipe)
    char *hash = base64_encode(a1, DIGEST_HASH_SIZE); /* of the octets, not of their hexadecimal */
    struct acl__in in = { .Username = (char *)user, .DigestPassword = hash };

    return acl_call(connection, "SetAdminAclEntryEx", &in, false, NULL, err);
}

bool wsman_admin_is_default(struct connection *connection, bool *is_default, struct error *err)
{
    struct acl__in in = { 0 };
    struct acl__out *out;

    if (!acl_call(connection, "GetAdminAclEntryStatus", &in, false, &out, err))
        return false;
    if (!out->IsDefault)
        return wsman_malformed(&class_acl, "GetAdminAclEntryStatus", "it has no IsDefault", err);
    *is_default = flag_of(out->IsDefault);
    return true;
}

/* One page. *total: how many entries there are. An index beyond the end is the end. */
static bool acl_page(struct connection *connection, struct acl_handles *handles, unsigned *total,
                     struct error *err)
{
    static const char method[] = "EnumerateUserAclEntries";
    unsigned start = (unsigned)handles->count + 1;
    struct acl__in in = { .StartIndex = &start };
    struct wsman_input input = { .type = SOAP_TYPE_acl__in, .data = &in };
    struct acl__out *out = wsman_method(connection, &class_acl, method, &input, read_acl__out, err);

    if (!out)
        return false;
    *total = 0;
    if (out->ReturnValue && *out->ReturnValue == PT_STATUS_INVALID_INDEX)
        return true;
    if (!wsman_returned(&class_acl, method, out->ReturnValue, err))
        return false;
    if (handles->count + (size_t)out->__sizeHandles > ACL_ENTRIES_MAX)
        return wsman_malformed(&class_acl, method, "more entries than any AMT has", err);
    for (int i = 0; i < out->__sizeHandles; i++)
        handles->handles[handles->count++] = out->Handles[i];
    if (out->__sizeHandles > 0)
        *total = number_of(out->TotalCount);
    return true;
}

bool wsman_acl_list(struct connection *connection, struct acl_handles *handles, struct error *err)
{
    struct acl_handles read = { .count = 0 };
    unsigned total;

    do {
        if (!acl_page(connection, &read, &total, err))
            return false;
    } while (read.count < total);
    *handles = read;
    return true;
}

static bool entry_take(const struct acl__out *out, struct acl_entry *entry, struct error *err)
{
    AUTO(bytes_free) struct bytes sid = { 0 };

    if (!text_take(entry->user, sizeof(entry->user), out->DigestUsername))
        return wsman_malformed(&class_acl, "GetUserAclEntryEx", "DigestUsername is too long", err);
    if (out->KerberosUserSid && (!base64_decode(out->KerberosUserSid, &sid) || sid.length > ACL_SID_MAX))
        return wsman_malformed(&class_acl, "GetUserAclEntryEx", "KerberosUserSid is not 28 octets or fewer",
                               err);
    if (out->__sizeRealms > ACL_REALMS_MAX)
        return wsman_malformed(&class_acl, "GetUserAclEntryEx", "more realms than there are", err);
    if (sid.length)
        memcpy(entry->sid, sid.data, sid.length);
    entry->sid_length = sid.length;
    entry->access = number_of(out->AccessPermission);
    for (int i = 0; i < out->__sizeRealms; i++)
        entry->realms[entry->realm_count++] = out->Realms[i];
    return true;
}

bool wsman_acl_get(struct connection *connection, uint32_t handle, struct acl_entry *entry, struct error *err)
{
    struct acl__in in = { .Handle = &handle };
    struct acl_entry read = { .sid_length = 0 };
    struct acl__out *out;

    if (!acl_call(connection, "GetUserAclEntryEx", &in, false, &out, err) || !entry_take(out, &read, err))
        return false;
    *entry = read;
    return true;
}

/* Add and Update say the entry in the same way. */
static bool entry_write(struct connection *connection, const char *method, uint32_t *handle, bool once,
                        const struct acl_entry *entry, struct acl__out **out, struct error *err)
{
    bool digest = entry->sid_length == 0;
    AUTO(base64_wipe)
    char *secret = digest ? base64_encode(entry->digest_a1, DIGEST_HASH_SIZE)
                          : base64_encode(entry->sid, entry->sid_length);
    unsigned access = entry->access;
    struct acl__in in = { .Handle = handle,
                          .DigestUsername = digest ? (char *)entry->user : NULL,
                          .DigestPassword = digest ? secret : NULL,
                          .KerberosUserSid = digest ? NULL : secret,
                          .AccessPermission = &access,
                          .__sizeRealms = (int)entry->realm_count,
                          .Realms = (unsigned *)entry->realms };

    return acl_call(connection, method, &in, once, out, err);
}

bool wsman_acl_add(struct connection *connection, const struct acl_entry *entry, uint32_t *handle,
                   struct error *err)
{
    struct acl__out *out;

    if (!entry_write(connection, "AddUserAclEntryEx", NULL, true, entry, &out, err))
        return false;
    if (!out->Handle)
        return wsman_malformed(&class_acl, "AddUserAclEntryEx", "it has no Handle", err);
    *handle = *out->Handle;
    return true;
}

bool wsman_acl_update(struct connection *connection, uint32_t handle, const struct acl_entry *entry,
                      struct error *err)
{
    return entry_write(connection, "UpdateUserAclEntryEx", &handle, false, entry, NULL, err);
}

bool wsman_acl_remove(struct connection *connection, uint32_t handle, struct error *err)
{
    struct acl__in in = { .Handle = &handle };

    return acl_call(connection, "RemoveUserAclEntry", &in, true, NULL, err);
}

bool wsman_acl_enable(struct connection *connection, uint32_t handle, bool enabled, struct error *err)
{
    enum xsd__boolean state = enabled ? true_ : false_;
    struct acl__in in = { .Handle = &handle, .Enabled = &state };

    return acl_call(connection, "SetAclEnabledState", &in, false, NULL, err);
}
