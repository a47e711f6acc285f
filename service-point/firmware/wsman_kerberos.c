#include "firmware/wsman_kerberos.h"

#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "firmware/wsman_call.h"

READER(krb__instance)

#define KERBEROS_ID          "Intel (r) AMT: Kerberos Settings"
#define RC4_HMAC             0 /* the only EncryptionAlgorithm; deprecated with AMT 8.0 */
#define RC4_KEY_SIZE         16
#define AES128_CTS_HMAC_SHA1 1

bool wsman_kerberos_get(struct connection *connection, struct kerberos_settings *settings, struct error *err)
{
    struct krb__instance *got = wsman_get(connection, &class_krb, NULL, read_krb__instance, err);
    struct kerberos_settings read = { 0 };

    if (!got)
        return false;
    if (!text_take(read.realm, sizeof(read.realm), got->RealmName) ||
        !text_take(read.salt, sizeof(read.salt), got->Salt))
        return wsman_malformed(&class_krb, "Get", "RealmName or Salt is too long", err);
    if (got->__sizeServicePrincipalName > KERBEROS_PRINCIPALS_MAX)
        return wsman_malformed(&class_krb, "Get", "more service principal names than AMT takes", err);
    for (int i = 0; i < got->__sizeServicePrincipalName; i++) {
        if (!text_take(read.principals[i], WSMAN_NAME_SIZE, got->ServicePrincipalName[i]))
            return wsman_malformed(&class_krb, "Get", "a service principal name is too long", err);
        read.principal_count++;
    }
    read.enabled = flag_of(got->KrbEnabled);
    read.key_version = number_of(got->KeyVersion);
    read.iterations = number_of(got->IterationCount);
    read.tolerance_min = number_of(got->MaximumClockTolerance);
    read.tells_keys = got->__sizeConfiguredEncryptionAlgorithms > 0;
    for (int i = 0; i < got->__sizeSupportedEncryptionAlgorithms; i++)
        read.takes_passphrase =
            read.takes_passphrase || got->SupportedEncryptionAlgorithms[i] >= AES128_CTS_HMAC_SHA1;
    for (int i = 0; i < got->__sizeConfiguredEncryptionAlgorithms; i++)
        read.has_aes_keys =
            read.has_aes_keys || got->ConfiguredEncryptionAlgorithms[i] >= AES128_CTS_HMAC_SHA1;
    *settings = read;
    return true;
}

static void kerberos_key_fill(struct krb__instance *instance, const struct kerberos_change *change,
                              char *rc4_key, unsigned *iterations, unsigned short *algorithm)
{
    if (change->rc4_key) {
        instance->MasterKey = rc4_key;
        instance->EncryptionAlgorithm = algorithm;
        return;
    }
    *iterations = change->iterations;
    instance->Passphrase = (char *)secret_reveal(change->passphrase);
    instance->Salt = (char *)change->salt;
    instance->IterationCount = iterations;
}

bool wsman_kerberos_set(struct connection *connection, const struct kerberos_change *change,
                        struct error *err)
{
    char *rc4_key = change->enabled && change->rc4_key ? base64_encode(change->rc4_key, RC4_KEY_SIZE) : NULL;
    unsigned short protocols[KERBEROS_PRINCIPALS_MAX] = { 0, 1, 2, 3 }; /* ports 16992 to 16995 */
    unsigned short algorithm = RC4_HMAC;
    enum xsd__boolean enabled = change->enabled ? true_ : false_;
    unsigned key_version = change->key_version, tolerance = KERBEROS_TOLERANCE_MIN, iterations = 0;
    char *principals[KERBEROS_PRINCIPALS_MAX] = { NULL };
    struct krb__instance instance = { .ElementName = (char *)"Intel(r) AMT: Kerberos Settings",
                                      .InstanceID = (char *)KERBEROS_ID,
                                      .KrbEnabled = &enabled };
    struct wsman_input input = { .selectors = { { .name = "InstanceID", .text = KERBEROS_ID } },
                                 .type = SOAP_TYPE_krb__instance,
                                 .data = &instance };
    bool put;

    if (change->principal_count > KERBEROS_PRINCIPALS_MAX)
        return error_set(err, ERROR_INPUT, "%zu service principal names; AMT takes %d",
                         change->principal_count, KERBEROS_PRINCIPALS_MAX);
    if (change->enabled) {
        for (size_t i = 0; i < change->principal_count; i++)
            principals[i] = (char *)change->principals[i];
        instance.RealmName = (char *)change->realm;
        instance.KeyVersion = &key_version;
        instance.MaximumClockTolerance = &tolerance;
        instance.ServicePrincipalName = principals;
        instance.__sizeServicePrincipalName = (int)change->principal_count;
        instance.ServicePrincipalProtocol = protocols;
        instance.__sizeServicePrincipalProtocol = (int)change->principal_count;
        kerberos_key_fill(&instance, change, rc4_key, &iterations, &algorithm);
    }
    put = wsman_put(connection, &class_krb, &input, err);
    if (rc4_key)
        secret_wipe(rc4_key, strlen(rc4_key));
    free(rc4_key);
    return put;
}
