#include "firmware/eoi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "firmware/eoi_call.h"
#include "firmware/status.h"

READER(sai__out)
READER(net__out)
READER(tim__out)
READER(inf__out)
READER(hwa__out)

static void *security(struct connection *connection, const char *operation, enum eoi_year year,
                      const struct sai__in *in, struct error *err)
{
    const struct eoi_request request = { .service = &service_security,
                                         .operation = operation,
                                         .year = year,
                                         .type = SOAP_TYPE_sai__in,
                                         .data = in,
                                         .read = read_sai__out };

    return eoi_call(connection, &request, err);
}

/* ---- what firmware tells of itself ---- */

#define REALM_BEFORE  "Intel(R) AMT (ID:"
#define OTP_MAX_BYTES 32

static bool state_get(struct connection *connection, enum provisioning_state *state, struct error *err)
{
    static const char *const names[] = { [PROVISIONING_PRE] = "ProvisioningStatePre",
                                         [PROVISIONING_IN] = "ProvisioningStateIn",
                                         [PROVISIONING_POST] = "ProvisioningStatePost" };
    const struct eoi_request request = { .service = &service_general,
                                         .operation = "GetProvisioningState",
                                         .read = read_inf__out };
    const struct inf__out *out = eoi_call(connection, &request, err);

    if (!out)
        return false;
    for (size_t i = 0; out->ProvisioningState && i < COUNT_OF(names); i++) {
        if (strcmp(out->ProvisioningState, names[i]) == 0) {
            *state = (enum provisioning_state)i;
            return true;
        }
    }
    return eoi_malformed(&service_general, request.operation, "no ProvisioningState that is known", err);
}

/* A status other than 0 is how this interface says that there is none. */
static bool no_password_there(const struct error *err)
{
    return status_is_refusal(err) || err->reason == REASON_NOT_PERMITTED || err->code == ERROR_ABSENT;
}

/* Takes the OTP out of the runtime's memory, which is not wiped by itself. */
static bool otp_get(struct connection *connection, struct secret **otp, struct error *err)
{
    static const char operation[] = "GetProvisioningServerOTP";
    struct error problem = { 0 };
    const struct sai__out *out = security(connection, operation, EOI_2006, NULL, &problem);
    struct bytes octets = { 0 };
    bool decoded;

    *otp = NULL;
    if (!out && !no_password_there(&problem)) {
        *err = problem;
        return false;
    }
    if (!out || !out->OTP)
        return true;
    decoded = base64_decode(out->OTP, &octets) && octets.length <= OTP_MAX_BYTES;
    secret_wipe(out->OTP, strlen(out->OTP));
    while (decoded && octets.length > 0 && octets.data[octets.length - 1] == 0)
        octets.length--;
    if (decoded && octets.length > 0)
        *otp = secret_new(octets.data, octets.length);
    if (octets.data)
        secret_wipe(octets.data, octets.length);
    bytes_free(&octets);
    return decoded ||
           eoi_malformed(&service_security, operation, "OTP is not 32 octets or fewer in base64", err);
}

bool eoi_setup_get(struct connection *connection, struct setup_service *setup, struct error *err)
{
    struct setup_service read = { 0 };

    if (!state_get(connection, &read.state, err))
        return false;
    /* Only in setup it can be read (AMT SDK: GetProvisioningServerOTP). */
    if (read.state == PROVISIONING_IN && !otp_get(connection, &read.otp, err))
        return false;
    *setup = read;
    return true;
}

static bool digest_realm_get(struct connection *connection, char realm[DIGEST_REALM_SIZE], struct error *err)
{
    const struct sai__out *out = security(connection, "GetDigestRealm", EOI_2004, NULL, err);

    if (!out)
        return false;
    if (!out->DigestRealm || !*out->DigestRealm || !text_take(realm, DIGEST_REALM_SIZE, out->DigestRealm))
        return eoi_malformed(&service_security, "GetDigestRealm", "no DigestRealm of reasonable length", err);
    return true;
}

bool eoi_realm_uuid(const char *realm, struct uuid *uuid)
{
    char text[UUID_TEXT_SIZE];

    if (strncmp(realm, REALM_BEFORE, strlen(REALM_BEFORE)) != 0)
        return false;
    snprintf(text, sizeof(text), "%s", realm + strlen(REALM_BEFORE));
    return strcmp(realm + strlen(REALM_BEFORE) + strlen(text), ")") == 0 && uuid_parse(text, uuid);
}

/* AMT SDK, HardwareAsset: the computer's table is a version of four octets, four texts of 65 and the UUID as
 * SMBIOS has it. Its number follows from the order of the types in the schema. */
#define ASSET_COMPUTER_SYSTEM 3u
#define ASSET_UUID_AT         (4 + 4 * 65)
#define UUID_SIZE             16

static bool asset_uuid(const struct hwa__Asset *asset, struct uuid *uuid)
{
    AUTO(bytes_free) struct bytes table = { 0 };

    if (!asset->AssetData || !base64_decode(asset->AssetData, &table) ||
        table.length < ASSET_UUID_AT + UUID_SIZE)
        return false;
    uuid_from_smbios(table.data + ASSET_UUID_AT, uuid);
    return true;
}

static bool inventory_uuid(struct connection *connection, struct uuid *uuid, struct error *err)
{
    static const char operation[] = "GetAssetData";
    unsigned type = ASSET_COMPUTER_SYSTEM;
    struct hwa__in in = { .AssetType = &type };
    const struct eoi_request request = { .service = &service_asset,
                                         .operation = operation,
                                         .type = SOAP_TYPE_hwa__in,
                                         .data = &in,
                                         .read = read_hwa__out };
    const struct hwa__out *out = eoi_call(connection, &request, err);

    if (!out)
        return false;
    for (int i = 0; out->AssetData && i < out->AssetData->__sizeAssetData; i++) {
        const struct hwa__Asset *asset = &out->AssetData->AssetData[i];

        if (number_of(asset->AssetType) == ASSET_COMPUTER_SYSTEM && asset_uuid(asset, uuid))
            return true;
    }
    return eoi_malformed(&service_asset, operation, "no table of the computer with its UUID", err);
}

bool eoi_uuid(struct connection *connection, struct uuid *uuid, struct error *err)
{
    const char *challenged = connection_digest_realm(connection);
    char realm[DIGEST_REALM_SIZE];

    if (*challenged)
        snprintf(realm, sizeof(realm), "%s", challenged);
    else if (!digest_realm_get(connection, realm, err))
        return false;
    return eoi_realm_uuid(realm, uuid) || inventory_uuid(connection, uuid, err);
}

bool eoi_firmware_version(struct connection *connection, char version[WSMAN_ADDRESS_SIZE], struct error *err)
{
    const struct sai__out *out = security(connection, "GetCoreVersion", EOI_2004, NULL, err);

    if (!out)
        return false;
    if (!out->Version || !*out->Version || !text_take(version, WSMAN_ADDRESS_SIZE, out->Version))
        return eoi_malformed(&service_security, "GetCoreVersion", "no Version of reasonable length", err);
    return true;
}

/* ---- names ---- */

static const struct net__out *network(struct connection *connection, const char *operation,
                                      const struct net__in *in, struct error *err)
{
    const struct eoi_request request = { .service = &service_network,
                                         .operation = operation,
                                         .type = SOAP_TYPE_net__in,
                                         .data = in,
                                         .read = read_net__out };

    return eoi_call(connection, &request, err);
}

bool eoi_general_settings_get(struct connection *connection, struct general_settings *settings,
                              struct error *err)
{
    struct general_settings read = { 0 };
    const struct net__out *out;

    if (!digest_realm_get(connection, read.digest_realm, err))
        return false;
    out = network(connection, "GetHostName", NULL, err);
    if (!out)
        return false;
    if (!text_take(read.host_name, sizeof(read.host_name), out->HostName))
        return eoi_malformed(&service_network, "GetHostName", "a name longer than 255 characters", err);
    out = network(connection, "GetDomainName", NULL, err);
    if (!out)
        return false;
    if (!text_take(read.domain_name, sizeof(read.domain_name), out->DomainName))
        return eoi_malformed(&service_network, "GetDomainName", "a name longer than 255 characters", err);
    *settings = read;
    return true;
}

bool eoi_host_name_set(struct connection *connection, const char *name, struct error *err)
{
    const struct net__in in = { .HostName = (char *)name };

    return network(connection, "SetHostName", &in, err) != NULL;
}

bool eoi_domain_name_set(struct connection *connection, const char *name, struct error *err)
{
    const struct net__in in = { .DomainName = (char *)name };

    return network(connection, "SetDomainName", &in, err) != NULL;
}

/* ---- clock ---- */

/* A Set that is repeated would be reckoned with a clock that the first one has moved. */
static const struct tim__out *clock_call(struct connection *connection, const char *operation,
                                         const struct tim__in *in, struct error *err)
{
    const struct eoi_request request = { .service = &service_time,
                                         .operation = operation,
                                         .type = SOAP_TYPE_tim__in,
                                         .data = in,
                                         .once = in != NULL,
                                         .read = read_tim__out };

    return eoi_call(connection, &request, err);
}

bool eoi_time_get(struct connection *connection, uint32_t *device_s, struct error *err)
{
    static const char operation[] = "GetLowAccuracyTimeSynch";
    const struct tim__out *out = clock_call(connection, operation, NULL, err);

    if (!out)
        return false;
    if (!out->Ta0)
        return eoi_malformed(&service_time, operation, "it has no Ta0", err);
    *device_s = *out->Ta0;
    return true;
}

bool eoi_time_set(struct connection *connection, uint32_t device_s, uint32_t ours_s, struct error *err)
{
    const struct tim__in in = { .Ta0 = &device_s, .Tm1 = &ours_s, .Tm2 = &ours_s };

    return clock_call(connection, "SetHighAccuracyTimeSynch", &in, err) != NULL;
}

/* ---- administrator, MEBx, commit ---- */

/* What is in it is as good as the password. */
static void base64_wipe(char **text)
{
    if (*text)
        secret_wipe(*text, strlen(*text));
    text_free(text);
}

/* AMT SDK: RngKeyType; 20 is raw octets. */
#define RNG_KEY_TYPE 20u

bool eoi_random_seed(struct connection *connection, const struct secret *seed, struct error *err)
{
    AUTO(base64_wipe) char *data = base64_encode(secret_reveal(seed), secret_length(seed));
    unsigned type = RNG_KEY_TYPE, length = (unsigned)secret_length(seed);
    struct sai__RngKey key = { .Type = &type, .Length = &length, .Data = data };
    const struct sai__in in = { .Key = &key };

    return security(connection, "SetRngKey", EOI_2004, &in, err) != NULL;
}

bool eoi_admin_set(struct connection *connection, const char *user, const uint8_t a1[DIGEST_HASH_SIZE],
                   struct error *err)
{
    AUTO(base64_wipe)
    char *hash = base64_encode(a1, DIGEST_HASH_SIZE); /* of the octets, not of their hexadecimal */
    struct sai__AdminAclEntryEx entry = { .Username = (char *)user, .DigestPassword = hash };
    const struct sai__in in = { .EntryEx = &entry };

    return security(connection, "SetAdminAclEntryEx", EOI_2004, &in, err) != NULL;
}

bool eoi_mebx_password_set(struct connection *connection, const struct secret *password, struct error *err)
{
    const struct sai__in in = { .Password = (char *)secret_reveal(password) };

    return security(connection, "SetMEBxPassword", EOI_2006, &in, err) != NULL;
}

bool eoi_commit(struct connection *connection, struct error *err)
{
    const struct eoi_request request = {
        .service = &service_security, .operation = "CommitChanges", .once = true, .read = read_sai__out
    };

    return eoi_call(connection, &request, err) != NULL;
}
