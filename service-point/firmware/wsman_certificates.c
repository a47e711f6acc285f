#include "firmware/wsman.h"

#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "firmware/wsman_call.h"

#define KEY_ALGORITHM_RSA     0
#define CERTIFICATE_MAX_BYTES 4100 /* AMT SDK: AddCertificate, AddTrustedRootCertificate */
#define STORED_MAX            64 /* keys, and certificates; the store of AMT has room for some ten of each */

READER(pkm__out)
READER(pair__instance)
READER(cert__instance)

/* ---- AMT_PublicKeyManagementService ---- */

static bool pkm_call(struct connection *connection, const char *method, const struct pkm__in *in, bool once,
                     struct pkm__out **out, struct error *err)
{
    struct wsman_input input = { .type = SOAP_TYPE_pkm__in, .data = in, .once = once };
    struct pkm__out *got = wsman_method(connection, &class_pkm, method, &input, read_pkm__out, err);

    if (!got || !wsman_returned(&class_pkm, method, got->ReturnValue, err))
        return false;
    *out = got;
    return true;
}

static bool id_take(const char *method, const struct wsa__EndpointReference *reference, char *id,
                    struct error *err)
{
    const char *text = reference_selector(reference, "InstanceID");

    if (!text || !text_take(id, WSMAN_ID_SIZE, text))
        return wsman_malformed(&class_pkm, method, "no reference with an InstanceID of reasonable length",
                               err);
    return true;
}

bool wsman_key_generate(struct connection *connection, unsigned bits, char *id, struct error *err)
{
    unsigned algorithm = KEY_ALGORITHM_RSA;
    struct pkm__in in = { .KeyAlgorithm = &algorithm, .KeyLength = &bits };
    struct pkm__out *out;

    return pkm_call(connection, "GenerateKeyPair", &in, true, &out, err) &&
           id_take("GenerateKeyPair", out->KeyPair, id, err);
}

bool wsman_key_add(struct connection *connection, const struct secret *rsa_private_key, char *id,
                   struct error *err)
{
    char *blob = base64_encode(secret_reveal(rsa_private_key), secret_length(rsa_private_key));
    struct pkm__in in = { .KeyBlob = blob };
    struct pkm__out *out;
    bool added =
        pkm_call(connection, "AddKey", &in, true, &out, err) && id_take("AddKey", out->CreatedKey, id, err);

    secret_wipe(blob, strlen(blob));
    free(blob);
    return added;
}

bool wsman_key_sign_request(struct connection *connection, const char *key_id,
                            enum signing_algorithm algorithm, const struct bytes *unsigned_request,
                            struct bytes *request, struct error *err)
{
    static const char method[] = "GeneratePKCS10RequestEx";
    AUTO(text_free) char *null_signed = base64_encode(unsigned_request->data, unsigned_request->length);
    struct reference_room room;
    unsigned number = algorithm;
    struct pkm__in in = { .KeyPair = reference_make(&room, &class_pair, "InstanceID", key_id),
                          .SigningAlgorithm = &number,
                          .NullSignedCertificateRequest = null_signed };
    struct pkm__out *out;

    if (!pkm_call(connection, method, &in, false, &out, err))
        return false;
    if (!out->SignedCertificateRequest || !base64_decode(out->SignedCertificateRequest, request))
        return wsman_malformed(&class_pkm, method, "no SignedCertificateRequest in base64", err);
    return true;
}

static bool certificate_store(struct connection *connection, const char *method, const struct bytes *der,
                              char *id, struct error *err)
{
    AUTO(text_free) char *blob = base64_encode(der->data, der->length);
    struct pkm__in in = { .CertificateBlob = blob };
    struct pkm__out *out;

    if (der->length > CERTIFICATE_MAX_BYTES)
        return error_set(err, ERROR_INPUT, "a certificate of %zu bytes; AMT stores at most %d", der->length,
                         CERTIFICATE_MAX_BYTES);
    return pkm_call(connection, method, &in, true, &out, err) &&
           id_take(method, out->CreatedCertificate, id, err);
}

bool wsman_certificate_add(struct connection *connection, const struct bytes *der, char *id,
                           struct error *err)
{
    return certificate_store(connection, "AddCertificate", der, id, err);
}

bool wsman_trusted_root_add(struct connection *connection, const struct bytes *der, char *id,
                            struct error *err)
{
    return certificate_store(connection, "AddTrustedRootCertificate", der, id, err);
}

/* ---- AMT_PublicPrivateKeyPair ---- */

static bool key_read(const struct pair__instance *got, const char *operation, struct stored_key *key,
                     struct error *err)
{
    if (!got->InstanceID || !text_take(key->id, sizeof(key->id), got->InstanceID))
        return wsman_malformed(&class_pair, operation, "no InstanceID of reasonable length", err);
    if (!got->DERKey || !base64_decode(got->DERKey, &key->public_key))
        return wsman_malformed(&class_pair, operation, "no DERKey in base64", err);
    return true;
}

void stored_key_clear(struct stored_key *key)
{
    bytes_free(&key->public_key);
    *key = (struct stored_key){ .id = "" };
}

void stored_key_list_free(struct stored_key_list *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        stored_key_clear(&keys->keys[i]);
    free(keys->keys);
    *keys = (struct stored_key_list){ 0 };
}

static bool key_take(void *context, const void *instance, struct error *err)
{
    struct stored_key_list *list = context;
    struct stored_key key = { .id = "" };

    if (list->count == STORED_MAX)
        return wsman_malformed(&class_pair, "Pull", "more keys than any AMT has", err);
    if (!key_read(instance, "Pull", &key, err))
        return false;
    list->keys = reallocate(list->keys, list->count + 1, sizeof(*list->keys));
    list->keys[list->count++] = key;
    return true;
}

bool wsman_keys_list(struct connection *connection, struct stored_key_list *keys, struct error *err)
{
    struct stored_key_list read = { 0 };

    if (!wsman_enumerate(connection, &class_pair, read_pair__instance, key_take, &read, err)) {
        stored_key_list_free(&read);
        return false;
    }
    *keys = read;
    return true;
}

bool wsman_key_get(struct connection *connection, const char *id, struct stored_key *key, struct error *err)
{
    struct pair__instance *got = wsman_get(connection, &class_pair, id, read_pair__instance, err);
    struct stored_key read = { .id = "" };

    if (!got || !key_read(got, "Get", &read, err))
        return false;
    *key = read;
    return true;
}

static bool instance_delete(struct connection *connection, const struct wsman_class *class, const char *id,
                            struct error *err)
{
    struct wsman_input input = { .selectors = { { .name = "InstanceID", .text = id } } };

    return wsman_delete(connection, class, &input, err);
}

bool wsman_key_delete(struct connection *connection, const char *id, struct error *err)
{
    return instance_delete(connection, &class_pair, id, err);
}

/* ---- AMT_PublicKeyCertificate ---- */

void stored_certificate_list_free(struct stored_certificate_list *certificates)
{
    for (size_t i = 0; i < certificates->count; i++)
        bytes_free(&certificates->certificates[i].der);
    free(certificates->certificates);
    *certificates = (struct stored_certificate_list){ 0 };
}

/* Names are for people: one that is too long is left out. */
static bool certificate_take(void *context, const void *instance, struct error *err)
{
    const struct cert__instance *got = instance;
    struct stored_certificate_list *list = context;
    struct stored_certificate certificate = { .id = "" };

    if (list->count == STORED_MAX)
        return wsman_malformed(&class_cert, "Pull", "more certificates than any AMT has", err);
    if (!got->InstanceID || !text_take(certificate.id, sizeof(certificate.id), got->InstanceID))
        return wsman_malformed(&class_cert, "Pull", "no InstanceID of reasonable length", err);
    text_take(certificate.issuer, sizeof(certificate.issuer), got->Issuer);
    text_take(certificate.subject, sizeof(certificate.subject), got->Subject);
    certificate.trusted_root = flag_of(got->TrustedRootCertficate);
    certificate.read_only = flag_of(got->ReadOnlyCertificate);
    if (got->X509Certificate && !base64_decode(got->X509Certificate, &certificate.der))
        return wsman_malformed(&class_cert, "Pull", "X509Certificate is not base64", err);
    list->certificates = reallocate(list->certificates, list->count + 1, sizeof(*list->certificates));
    list->certificates[list->count++] = certificate;
    return true;
}

bool wsman_certificates_list(struct connection *connection, struct stored_certificate_list *certificates,
                             struct error *err)
{
    struct stored_certificate_list read = { 0 };

    if (!wsman_enumerate(connection, &class_cert, read_cert__instance, certificate_take, &read, err)) {
        stored_certificate_list_free(&read);
        return false;
    }
    *certificates = read;
    return true;
}

bool wsman_certificate_delete(struct connection *connection, const char *id, struct error *err)
{
    return instance_delete(connection, &class_cert, id, err);
}
