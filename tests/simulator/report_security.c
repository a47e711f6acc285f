#include "report_security.h"

#include "name.h"
#include "report_json.h"
#include "text.h"
#include "tls.h"

#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

static void add_name(json_object *object, const char *key, const X509_NAME *name)
{
    AUTO(free_text) char *text = name_readable(name);

    report_add_text(object, key, text);
}

static json_object *report_certificate(struct device *device, const struct stored_certificate *stored)
{
    const unsigned char *der = stored->der;
    X509 *certificate = d2i_X509(NULL, &der, (long)stored->length);
    struct stored_key *key = device_key_of(device, stored);
    json_object *object = json_object_new_object();

    report_add_number(object, "handle", stored->handle);
    report_add_flag(object, "trusted_root", stored->trusted_root);
    report_add_flag(object, "read_only", stored->read_only);
    report_add(object, "key_handle", key ? json_object_new_int64(key->handle) : NULL);
    if (certificate) {
        const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);

        add_name(object, "subject", X509_get_subject_name(certificate));
        add_name(object, "issuer", X509_get_issuer_name(certificate));
        report_add_hex(object, "serial", ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    }
    report_add_base64(object, "der", stored->der, stored->length);
    X509_free(certificate);
    return object;
}

json_object *report_certificates(struct device *device)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < device->certificate_count; i++)
        json_object_array_add(array, report_certificate(device, &device->certificates[i]));
    return array;
}

json_object *report_keys(const struct device *device)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < device->key_count; i++) {
        json_object *object = json_object_new_object();
        unsigned char *der = NULL;
        int length = i2d_PublicKey(device->keys[i].key, &der);

        report_add_number(object, "handle", device->keys[i].handle);
        report_add_number(object, "bits", EVP_PKEY_get_bits(device->keys[i].key));
        report_add_base64(object, "public_key", der, length > 0 ? (size_t)length : 0);
        OPENSSL_free(der);
        json_object_array_add(array, object);
    }
    return array;
}

static json_object *report_tls_instance(const struct device *device, const struct tls_settings *settings,
                                        unsigned instance)
{
    json_object *object = json_object_new_object(), *names = json_object_new_array();

    report_add_flag(object, "Enabled", settings->enabled);
    report_add_flag(object, "MutualAuthentication", settings->mutual);
    report_add_flag(object, "AcceptNonSecureConnections", settings->accept_plain);
    for (unsigned i = 0; i < TRUSTED_NAMES_MAX && device->trusted_names[instance][i]; i++)
        json_object_array_add(names, json_object_new_string(device->trusted_names[instance][i]));
    report_add(object, "TrustedCN", names);
    return object;
}

static json_object *report_tls_settings(const struct device *device, const struct tls_settings *settings,
                                        int32_t credential)
{
    json_object *object = json_object_new_object();

    report_add(object, "network", report_tls_instance(device, &settings[TLS_NETWORK], TLS_NETWORK));
    report_add(object, "local", report_tls_instance(device, &settings[TLS_LOCAL], TLS_LOCAL));
    report_add(object, "credential_certificate",
               credential == NO_HANDLE ? NULL : json_object_new_int64(credential));
    return object;
}

json_object *report_tls(struct computer *computer)
{
    struct device *device = computer->device;
    json_object *object = json_object_new_object();
    char *subject, *issuer;

    tls_served_names(device, &subject, &issuer);
    report_add(object, "staged", report_tls_settings(device, device->tls, device->credential));
    report_add(object, "effective",
               report_tls_settings(device, device->tls_in_force, device->credential_in_force));
    report_add_text(object, "served_subject", subject);
    report_add_text(object, "served_issuer", issuer);
    report_add_flag(object, "tls_port_open", computer->tls_listener != NULL);
    report_add_flag(object, "plain_port_open", computer->plain_listener != NULL);
    report_add_flag(object, "client_certificate_demanded", tls_wants_client_certificate(device));
    report_add_text(object, "accepted_setup_name", device->accepted_name);
    report_add_text(object, "last_refusal", device->last_refusal);
    free(subject);
    free(issuer);
    return object;
}

/* S-1-5-...: revision, authority, then the sub-authorities. */
static void add_sid(json_object *object, const struct acl_entry *entry)
{
    struct text text = { 0 };
    uint64_t authority = 0;

    for (unsigned i = 2; i < 8; i++)
        authority = authority << 8 | entry->sid[i];
    text_format(&text, "S-%u-%llu", entry->sid[0], (unsigned long long)authority);
    for (unsigned i = 8; i + 4 <= entry->sid_length; i += 4)
        text_format(&text, "-%u",
                    entry->sid[i] | (uint32_t)entry->sid[i + 1] << 8 | (uint32_t)entry->sid[i + 2] << 16 |
                        (uint32_t)entry->sid[i + 3] << 24);
    report_add_text(object, "sid", text.bytes);
    text_release(&text);
    report_add_hex(object, "sid_hex", entry->sid, entry->sid_length);
}

json_object *report_acl(const struct device *device)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < device->acl_count; i++) {
        const struct acl_entry *entry = &device->acl[i];
        json_object *object = json_object_new_object(), *realms = json_object_new_array();

        report_add_number(object, "handle", entry->handle);
        report_add_text(object, "user", *entry->user ? entry->user : NULL);
        if (entry->sid_length)
            add_sid(object, entry);
        else
            report_add_hex(object, "digest_hex", entry->a1, sizeof(entry->a1));
        report_add_number(object, "access", entry->access);
        report_add_flag(object, "enabled", entry->enabled);
        for (unsigned realm = 0; realm < 32; realm++)
            if (entry->realms & 1u << realm)
                json_object_array_add(realms, json_object_new_int((int)realm));
        report_add(object, "realms", realms);
        json_object_array_add(array, object);
    }
    return array;
}

json_object *report_kerberos(const struct device *device)
{
    const struct kerberos_settings *kerberos = &device->kerberos;
    json_object *object = json_object_new_object(), *names = json_object_new_array();

    report_add_flag(object, "KrbEnabled", kerberos->enabled);
    report_add_text(object, "RealmName", kerberos->realm);
    for (unsigned i = 0; i < kerberos->spns; i++) {
        json_object *name = json_object_new_object();

        report_add_text(name, "name", kerberos->spn[i]);
        report_add_number(name, "protocol", kerberos->protocol[i]);
        json_object_array_add(names, name);
    }
    report_add(object, "ServicePrincipalNames", names);
    report_add_number(object, "KeyVersion", kerberos->key_version);
    report_add_number(object, "MaximumClockTolerance", kerberos->tolerance_min);
    if (kerberos->has_master_key)
        report_add_hex(object, "master_key_hex", kerberos->master_key, sizeof(kerberos->master_key));
    report_add_text(object, "passphrase", kerberos->passphrase);
    report_add_text(object, "salt", kerberos->salt);
    report_add_number(object, "IterationCount", kerberos->iterations);
    report_add_text(object, "last_client", device->kerberos_memory.client);
    report_add_text(object, "last_encryption", device->kerberos_memory.encryption);
    report_add_text(object, "last_refusal", device->kerberos_memory.refusal);
    return object;
}

json_object *report_revocations(const struct device *device)
{
    json_object *array = json_object_new_array();

    for (unsigned i = 0; i < CRL_MAX && device->revocations[i].url; i++) {
        json_object *object = json_object_new_object();

        report_add_text(object, "url", device->revocations[i].url);
        report_add_number(object, "serials", device->revocations[i].count);
        json_object_array_add(array, object);
    }
    return array;
}
