#include "provisioning/client_credential.h"

#include <string.h>

#include "common/clock.h"
#include "firmware/certificate_request.h"
#include "provisioning/device_certificate.h"
#include "provisioning/steps.h"

#define KEY_BITS 2048

void client_credential_clear(struct device_credential *credential)
{
    bytes_free(&credential->public_key);
    bytes_free(&credential->request);
    bytes_free(&credential->certificate);
    memset(credential, 0, sizeof(*credential));
}

static bool is_own(const struct session *session, const struct stored_certificate *certificate)
{
    return !certificate->trusted_root && !certificate->read_only &&
           strcmp(certificate->id, session->credential.certificate_id) != 0 &&
           device_certificate_serves(&certificate->der, CERTIFICATE_CLIENT) &&
           device_certificate_is_current(&certificate->der, session->offer.issuers,
                                         session->offer.issuer_count, session->fqdn) &&
           device_certificate_is_fresh(&certificate->der, clock_wall_ms() / 1000);
}

static void use_key(struct device_credential *credential, const struct stored_key *key)
{
    memcpy(credential->key_id, key->id, sizeof(credential->key_id));
    bytes_set(&credential->public_key, key->public_key.data, key->public_key.length);
}

bool client_credential_find(const struct session *session, struct device_credential *credential)
{
    for (size_t i = 0; i < session->certificates.count; i++) {
        const struct stored_certificate *certificate = &session->certificates.certificates[i];

        if (!is_own(session, certificate))
            continue;
        for (size_t k = 0; k < session->keys.count; k++) {
            if (!device_certificate_has_key(&certificate->der, &session->keys.keys[k].public_key))
                continue;
            use_key(credential, &session->keys.keys[k]);
            memcpy(credential->certificate_id, certificate->id, sizeof(credential->certificate_id));
            bytes_set(&credential->certificate, certificate->der.data, certificate->der.length);
            return true;
        }
    }
    return false;
}

static bool is_certified(const struct session *session, const struct stored_key *key)
{
    for (size_t i = 0; i < session->certificates.count; i++) {
        if (device_certificate_has_key(&session->certificates.certificates[i].der, &key->public_key))
            return true;
    }
    return false;
}

/* A key without any certificate: an earlier attempt ended between the two. */
static bool use_orphan_key(const struct session *session, struct device_credential *credential)
{
    for (size_t i = 0; i < session->keys.count; i++) {
        if (!is_certified(session, &session->keys.keys[i])) {
            use_key(credential, &session->keys.keys[i]);
            return true;
        }
    }
    return false;
}

static bool read_key(struct session *session, struct device_credential *credential, const char *id,
                     struct error *err)
{
    struct stored_key stored = { 0 };

    if (!wsman_key_get(session->connection, id, &stored, err))
        return false;
    use_key(credential, &stored);
    stored_key_clear(&stored);
    return true;
}

static bool generate_key(struct session *session, struct device_credential *credential, struct error *err)
{
    char id[WSMAN_ID_SIZE];
    bool generated;

    connection_set_timeout(session->connection, session->around->slow_request_timeout_ms);
    while (!(generated = wsman_key_generate(session->connection, KEY_BITS, id, err))) {
        if (!busy_wait(session, err))
            break;
    }
    connection_set_timeout(session->connection, session->around->request_timeout_ms);
    return generated && read_key(session, credential, id, err);
}

static bool firmware_cannot(const struct error *err)
{
    return err->code == ERROR_ABSENT || err->reason == REASON_UNSUPPORTED;
}

/* For firmware that makes no keys: made here, sent, and wiped. */
static bool send_key(struct session *session, struct device_credential *credential, struct error *err)
{
    AUTO(secret_free) struct secret *private_key = NULL;
    char id[WSMAN_ID_SIZE];

    return certificate_request_with_key(KEY_BITS, session->fqdn, CERTIFICATE_CLIENT, &private_key,
                                        &credential->request, err) &&
           wsman_key_add(session->connection, private_key, id, err) && read_key(session, credential, id, err);
}

/* Firmware signs with its key, so that the authority sees proof of possession. */
static bool make_request(struct session *session, struct device_credential *credential, struct error *err)
{
    AUTO(bytes_free) struct bytes unsigned_request = { 0 };

    return credential->request.length > 0 ||
           (certificate_request_unsigned(&credential->public_key, session->fqdn, CERTIFICATE_CLIENT,
                                         &unsigned_request, err) &&
            wsman_key_sign_request(session->connection, credential->key_id, SIGN_SHA256_RSA,
                                   &unsigned_request, &credential->request, err));
}

static bool prepare_request(struct session *session, struct device_credential *credential, struct error *err)
{
    if ((use_orphan_key(session, credential) || generate_key(session, credential, err)) &&
        make_request(session, credential, err))
        return true;
    return firmware_cannot(err) && send_key(session, credential, err);
}

static bool fetch_certificate(struct session *session, struct device_credential *credential,
                              struct error *err)
{
    const struct message question = { .kind = MESSAGE_CERTIFICATE_WANTED,
                                      .certificate_wanted = { .id = session->offer.id,
                                                              .der = credential->request,
                                                              .usage = CERTIFICATE_CLIENT } };
    struct message answer = { 0 };

    if (!session_ask(session, &question, MESSAGE_CERTIFICATE, &answer, err))
        return false;
    bytes_set(&credential->certificate, answer.certificate.der.data, answer.certificate.der.length);
    message_free(&answer);
    if (!device_certificate_has_key(&credential->certificate, &credential->public_key) ||
        !device_certificate_serves(&credential->certificate, CERTIFICATE_CLIENT))
        return error_because(err, REASON_ISSUER_REFUSED,
                             "the authority's client certificate for %s is for another key or purpose than "
                             "requested",
                             session->fqdn);
    return true;
}

bool client_credential_make(struct session *session, struct device_credential *credential, struct error *err)
{
    return prepare_request(session, credential, err) && fetch_certificate(session, credential, err) &&
           wsman_certificate_add(session->connection, &credential->certificate, credential->certificate_id,
                                 err);
}
