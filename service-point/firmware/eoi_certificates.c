#include "firmware/eoi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "firmware/eoi_call.h"
#include "firmware/status.h"

#define HANDLES_MAX           64   /* AMT of that time stores some ten keys and certificates */
#define KEY_BITS_LEAST        1024 /* every AMT takes this length */
#define CERTIFICATE_MAX_BYTES 4100 /* AMT SDK: CertChainMaxSize */

READER(sai__out)

static struct sai__out *store(struct connection *connection, const char *operation, const struct sai__in *in,
                              bool once, struct error *err)
{
    const struct eoi_request request = { .service = &service_security,
                                         .operation = operation,
                                         .year = EOI_2006,
                                         .type = SOAP_TYPE_sai__in,
                                         .data = in,
                                         .once = once,
                                         .read = read_sai__out };

    return eoi_call(connection, &request, err);
}

/* An id is the handle as text. */
static void id_make(char id[WSMAN_ID_SIZE], unsigned handle)
{
    snprintf(id, WSMAN_ID_SIZE, "%u", handle);
}

static unsigned handle_of(const char *id)
{
    return (unsigned)strtoul(id, NULL, 10); /* made by id_make() */
}

static bool handle_take(const char *operation, const unsigned *handle, char *id, struct error *err)
{
    if (!handle)
        return eoi_malformed(&service_security, operation, "it has no handle", err);
    id_make(id, *handle);
    return true;
}

/* ---- handles ---- */

struct handles {
    unsigned handles[HANDLES_MAX];
    size_t count;
};

/* Copied, for the next call ends what was read. */
static bool handles_take(const char *operation, const unsigned *handles, int count, struct handles *taken,
                         struct error *err)
{
    if (count > HANDLES_MAX)
        return eoi_malformed(&service_security, operation, "more handles than any AMT has", err);
    for (int i = 0; i < count; i++)
        taken->handles[i] = handles[i];
    taken->count = (size_t)count;
    return true;
}

/* ---- keys ---- */

bool eoi_key_bits(struct connection *connection, unsigned most, unsigned *bits, struct error *err)
{
    static const char operation[] = "GetPkiCapabilities";
    const struct eoi_request request = { .service = &service_security,
                                         .operation = operation,
                                         .read = read_sai__out };
    const struct sai__out *out = eoi_call(connection, &request, err);
    unsigned chosen = 0;

    if (!out)
        return false;
    if (!out->PkiCaps)
        return eoi_malformed(&service_security, operation, "it has no PkiCaps", err);
    for (int i = 0; i < out->PkiCaps->__sizeSupportedKeyLengths; i++) {
        unsigned length = out->PkiCaps->SupportedKeyLengths[i];

        if (length <= most && length > chosen)
            chosen = length;
    }
    if (chosen < KEY_BITS_LEAST)
        return error_because(err, REASON_UNSUPPORTED,
                             "the firmware supports no RSA key of %d to %u bits; update it", KEY_BITS_LEAST,
                             most);
    *bits = chosen;
    return true;
}

static bool public_key_get(struct connection *connection, unsigned handle, struct stored_key *key,
                           struct error *err)
{
    static const char operation[] = "CertStoreGetKey";
    const struct sai__in in = { .KeyPairHandle = &handle };
    const struct sai__out *out = store(connection, operation, &in, false, err);

    if (!out)
        return false;
    if (!out->PublicKey || !out->PublicKey->RSAKeyPair || !out->PublicKey->RSAKeyPair->DERKey ||
        !base64_decode(out->PublicKey->RSAKeyPair->DERKey, &key->public_key))
        return eoi_malformed(&service_security, operation, "no DERKey in base64", err);
    id_make(key->id, handle);
    return true;
}

bool eoi_key_get(struct connection *connection, const char *id, struct stored_key *key, struct error *err)
{
    return public_key_get(connection, handle_of(id), key, err);
}

bool eoi_keys_list(struct connection *connection, struct stored_key_list *keys, struct error *err)
{
    static const char operation[] = "CertStoreEnumerateKeys";
    const struct sai__out *out = store(connection, operation, NULL, false, err);
    AUTO(stored_key_list_free) struct stored_key_list read = { 0 };
    struct handles handles = { .count = 0 };

    if (!out || !handles_take(operation, out->KeyPairHandles, out->__sizeKeyPairHandles, &handles, err))
        return false;
    read.keys = allocate((handles.count + 1) * sizeof(*read.keys));
    for (; read.count < handles.count; read.count++) {
        if (!public_key_get(connection, handles.handles[read.count], &read.keys[read.count], err))
            return false;
    }
    *keys = read;
    read = (struct stored_key_list){ 0 };
    return true;
}

bool eoi_key_add(struct connection *connection, const struct secret *rsa_private_key, char *id,
                 struct error *err)
{
    static const char operation[] = "CertStoreAddKey";
    char *der = base64_encode(secret_reveal(rsa_private_key), secret_length(rsa_private_key));
    struct cstr__RSAKeyPair rsa = { .DERKey = der };
    struct cstr__KeyPair pair = { .RSAKeyPair = &rsa };
    const struct sai__in in = { .KeyPair = &pair };
    const struct sai__out *out = store(connection, operation, &in, true, err);

    secret_wipe(der, strlen(der));
    free(der);
    return out && handle_take(operation, out->KeyPairHandle, id, err);
}

bool eoi_key_delete(struct connection *connection, const char *id, struct error *err)
{
    unsigned handle = handle_of(id);
    const struct sai__in in = { .KeyPairHandle = &handle };

    return store(connection, "CertStoreRemoveKey", &in, false, err) != NULL;
}

/* ---- certificates ---- */

static bool certificate_get(struct connection *connection, unsigned handle,
                            struct stored_certificate *certificate, struct error *err)
{
    static const char operation[] = "CertStoreGetCertificate";
    const struct sai__in in = { .CertHandle = &handle };
    const struct sai__out *out = store(connection, operation, &in, false, err);

    if (!out)
        return false;
    if (!out->Certificate || !out->Certificate->X509cert ||
        !base64_decode(out->Certificate->X509cert, &certificate->der))
        return eoi_malformed(&service_security, operation, "no X509cert in base64", err);
    id_make(certificate->id, handle);
    return true;
}

bool eoi_certificates_list(struct connection *connection, struct stored_certificate_list *certificates,
                           struct error *err)
{
    static const char operation[] = "CertStoreEnumerateCertificates";
    const struct sai__out *out = store(connection, operation, NULL, false, err);
    AUTO(stored_certificate_list_free) struct stored_certificate_list read = { 0 };
    struct handles handles = { .count = 0 };

    if (!out || !handles_take(operation, out->CertHandles, out->__sizeCertHandles, &handles, err))
        return false;
    read.certificates = allocate((handles.count + 1) * sizeof(*read.certificates));
    for (; read.count < handles.count; read.count++) {
        if (!certificate_get(connection, handles.handles[read.count], &read.certificates[read.count], err))
            return false;
    }
    *certificates = read;
    read = (struct stored_certificate_list){ 0 };
    return true;
}

bool eoi_certificate_add(struct connection *connection, const struct bytes *der, char *id, struct error *err)
{
    static const char operation[] = "CertStoreAddCertificate";
    AUTO(text_free) char *text = base64_encode(der->data, der->length);
    struct sai__Certificate certificate = { .X509cert = text };
    const struct sai__in in = { .Certificate = &certificate };
    const struct sai__out *out;

    if (der->length > CERTIFICATE_MAX_BYTES)
        return error_set(err, ERROR_INPUT, "a certificate of %zu bytes; AMT stores at most %d", der->length,
                         CERTIFICATE_MAX_BYTES);
    out = store(connection, operation, &in, true, err);
    return out && handle_take(operation, out->CertHandle, id, err);
}

/* ---- TLS ---- */

/* Some firmware may say that none is chosen with a status instead of an absent handle. */
static bool none_chosen(const struct error *err)
{
    return status_is_refusal(err);
}

bool eoi_tls_credential_get(struct connection *connection, struct tls_credential *credential,
                            struct error *err)
{
    struct error problem = { 0 };
    const struct sai__out *out = store(connection, "GetTLSCredentials", NULL, false, &problem);
    struct tls_credential read = { 0 };

    if (!out && !none_chosen(&problem)) {
        *err = problem;
        return false;
    }
    read.present = out && out->CertHandle;
    if (read.present)
        id_make(read.certificate_id, *out->CertHandle);
    *credential = read;
    return true;
}

bool eoi_tls_credential_set(struct connection *connection, const char *certificate_id, struct error *err)
{
    unsigned handle = handle_of(certificate_id);
    const struct sai__in in = { .CertHandle = &handle };

    return store(connection, "SetTLSCredentials", &in, false, err) != NULL;
}

#define NETWORK_INTERFACE "NetworkInterface"
#define LOCAL_INTERFACE   "LocalHostInterface"

static const char *const tls_names[] = {
    [EOI_TLS_OFF] = "NoAuth", [EOI_TLS_SERVER] = "ServerAuth", [EOI_TLS_MUTUAL] = "MutualAuth"
};

/* One interface's entry; an interface without one is off. */
static bool option_take(const struct sai__TlsOptions *option, struct eoi_tls_options *options,
                        struct error *err)
{
    for (size_t i = 0; option->Interface && option->TlsAuthentication && i < COUNT_OF(tls_names); i++) {
        if (strcmp(option->TlsAuthentication, tls_names[i]) != 0)
            continue;
        if (strcmp(option->Interface, NETWORK_INTERFACE) == 0)
            options->network = (enum eoi_tls)i;
        if (strcmp(option->Interface, LOCAL_INTERFACE) == 0)
            options->local = (enum eoi_tls)i;
        return true;
    }
    return eoi_malformed(&service_security, "GetTlsOptions", "an entry without interface or known value",
                         err);
}

bool eoi_tls_options_get(struct connection *connection, struct eoi_tls_options *options, struct error *err)
{
    const struct eoi_request request = { .service = &service_security,
                                         .operation = "GetTlsOptions",
                                         .read = read_sai__out };
    const struct sai__out *out = eoi_call(connection, &request, err);
    struct eoi_tls_options read = { EOI_TLS_OFF, EOI_TLS_OFF };

    if (!out)
        return false;
    for (int i = 0; i < out->__sizeTlsOptions; i++) {
        if (!option_take(&out->TlsOptions[i], &read, err))
            return false;
    }
    *options = read;
    return true;
}

/* The list is the whole wanted state, so both interfaces are in it. */
bool eoi_tls_options_set(struct connection *connection, const struct eoi_tls_options *options,
                         struct error *err)
{
    struct sai__TlsOptions entries[] = { { (char *)NETWORK_INTERFACE, (char *)tls_names[options->network] },
                                         { (char *)LOCAL_INTERFACE, (char *)tls_names[options->local] } };
    const struct sai__in in = { .__sizeTlsOptions = COUNT_OF(entries), .TlsOptions = entries };
    const struct eoi_request request = { .service = &service_security,
                                         .operation = "SetTlsOptions",
                                         .type = SOAP_TYPE_sai__in,
                                         .data = &in,
                                         .read = read_sai__out };

    return eoi_call(connection, &request, err) != NULL;
}
