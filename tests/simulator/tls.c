#include "tls.h"

#include "identity.h"
#include "name.h"
#include "trust.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { CONTEXTS_MAX = 64, SENT_AUTHORITIES_MAX = 4 };

/* One context for each generation, with and without a demand for the client's certificate, keeping sessions
 * or not. */
static struct {
    const struct generation *generation;
    bool demanding, resuming;
    SSL_CTX *context;
} contexts[CONTEXTS_MAX];
static unsigned context_count;

bool tls_wants_client_certificate(const struct device *device)
{
    return device->state == STATE_IN || device->tls_in_force[TLS_NETWORK].mutual;
}

/* OpenSSL derives the alert from the verification's error; these lead to the alert wanted, others to 46. */
static int error_for_alert(uint32_t alert)
{
    switch (alert) {
    case 40:
        return X509_V_ERR_APPLICATION_VERIFICATION;
    case 42:
        return X509_V_ERR_CERT_REJECTED;
    case 43:
        return X509_V_ERR_INVALID_PURPOSE;
    case 44:
        return X509_V_ERR_CERT_REVOKED;
    case 45:
        return X509_V_ERR_CERT_HAS_EXPIRED;
    case 48:
        return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT;
    case 51:
        return X509_V_ERR_CERT_SIGNATURE_FAILURE;
    case 80:
        return X509_V_ERR_UNSPECIFIED;
    default:
        return X509_V_ERR_SUBTREE_MINMAX;
    }
}

static int verify_client(X509_STORE_CTX *store, void *unused)
{
    SSL *session = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct device *device = SSL_get_app_data(session);
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(store);
    struct error err = { 0 };
    char *name = NULL;
    bool trusted;

    (void)unused;
    trusted = device->state == STATE_IN ? trust_setup_chain(device, chain, &name, &err)
                                        : trust_client_chain(device, chain, &err);
    if (!trusted) {
        replace_text(&device->last_refusal, err.message);
        X509_STORE_CTX_set_error(store, error_for_alert(device->switches.alert));
        return 0;
    }
    if (name) {
        replace_text(&device->accepted_name, name);
        free_text(&name);
    }
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

/*
 * Firmware older than RFC 5746 does not understand its extension, nor the suite value that stands for it
 * (RFC 5746 3.3). OpenSSL has no option for that; but it shows a received message after hashing it and before
 * reading it, so both are changed here into values that nobody has assigned.
 */
static void hide_renegotiation_info(int written, int version, int type, const void *bytes, size_t length,
                                    SSL *session, void *unused)
{
    enum { HEAD = 4 + 2 + 32, CLIENT_HELLO = 1 };
    unsigned char *at = (unsigned char *)bytes, *end = at + length, *stop;

    (void)version;
    (void)session;
    (void)unused;
    if (written || type != SSL3_RT_HANDSHAKE || length < HEAD + 1 || *at != CLIENT_HELLO)
        return;
    at += HEAD;
    at += 1 + *at; /* session identifier */
    if (end - at < 2 || end - at - 2 < (at[0] << 8 | at[1]))
        return;
    stop = at + 2 + (at[0] << 8 | at[1]);
    for (at += 2; at + 2 <= stop; at += 2)
        if (at[0] == 0x00 && at[1] == 0xFF)
            at[1] = 0xFE;
    if (end - at < 1 || end - at - 1 < *at + 2)
        return;
    at += 1 + *at + 2; /* compression methods, length of the extensions */
    while (end - at >= 4) {
        if (at[0] == 0xFF && at[1] == 0x01)
            at[1] = 0xFE;
        if (end - at - 4 < (at[2] << 8 | at[3]))
            return;
        at += 4 + (at[2] << 8 | at[3]);
    }
}

static SSL_CTX *make_context(const struct generation *generation, bool demanding, bool resuming)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (!context)
        return NULL;
    SSL_CTX_set_security_level(context, 0); /* old suites, SHA-1, RSA 1024 */
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(context, resuming ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_dh_auto(context, 1);
    if (demanding) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_cert_verify_callback(context, verify_client, NULL);
        if (generation->modern_chain_only)
            SSL_CTX_set1_client_sigalgs_list(context, "RSA+SHA256:RSA+SHA384:RSA+SHA512");
    }
    if (!SSL_CTX_set_min_proto_version(context, generation->tls_minimum) ||
        !SSL_CTX_set_max_proto_version(context, generation->tls_maximum) ||
        !SSL_CTX_set_cipher_list(context, generation->suites)) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

static SSL_CTX *context_for(const struct generation *generation, bool demanding, bool resuming)
{
    for (unsigned i = 0; i < context_count; i++)
        if (contexts[i].generation == generation && contexts[i].demanding == demanding &&
            contexts[i].resuming == resuming)
            return contexts[i].context;
    if (context_count == CONTEXTS_MAX)
        return NULL;
    contexts[context_count].generation = generation;
    contexts[context_count].demanding = demanding;
    contexts[context_count].resuming = resuming;
    contexts[context_count].context = make_context(generation, demanding, resuming);
    return contexts[context_count++].context;
}

/* The installed certificate once the device is set up; its own one before, and where nothing was installed.
 */
static X509 *installed_certificate(struct device *device, EVP_PKEY **key)
{
    struct stored_certificate *stored = device_certificate(device, device->credential_in_force);
    struct stored_key *stored_key;
    const unsigned char *der;

    if (device->state != STATE_POST || !stored || stored->read_only)
        return NULL;
    stored_key = device_key_of(device, stored);
    if (!stored_key)
        return NULL;
    *key = stored_key->key;
    der = stored->der;
    return d2i_X509(NULL, &der, (long)stored->length);
}

static X509 *sent_issuer(const struct device *device, X509 *issued)
{
    for (size_t i = 0; i < device->certificate_count; i++) {
        const struct stored_certificate *stored = &device->certificates[i];
        const unsigned char *der = stored->der;
        X509 *issuer = stored->sent ? d2i_X509(NULL, &der, (long)stored->length) : NULL;

        if (issuer && !X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(issued)) &&
            X509_cmp(issuer, issued))
            return issuer;
        X509_free(issuer);
    }
    return NULL;
}

/* The authorities that were stored to be sent after the leaf, in issuing order; owned by the caller. */
static STACK_OF(X509) * stored_chain(const struct device *device, X509 *leaf)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *issued = leaf, *issuer;

    while (sk_X509_num(chain) < SENT_AUTHORITIES_MAX && (issuer = sent_issuer(device, issued))) {
        sk_X509_push(chain, issuer);
        issued = issuer;
    }
    return chain;
}

static bool give_certificate(SSL *session, struct device *device, struct error *err)
{
    EVP_PKEY *key = NULL;
    X509 *installed = installed_certificate(device, &key);
    STACK_OF(X509) *stored = NULL, *chain;
    bool given;

    if (!installed) {
        if (!identity_make(device, err))
            return false;
        key = identity_key(device);
        chain = identity_chain(device);
    } else {
        chain = stored = stored_chain(device, installed);
    }
    given = SSL_use_certificate(session, installed ? installed : device->identity) == 1 &&
            SSL_use_PrivateKey(session, key) == 1 && (!chain || SSL_set1_chain(session, chain) == 1);
    X509_free(installed);
    sk_X509_pop_free(stored, X509_free);
    return given || error_set(err, "%s: OpenSSL refuses the computer's own certificate: %s",
                              device->uuid_text, ERR_reason_error_string(ERR_peek_last_error()));
}

/* A context is shared by many computers, and each forgets its sessions when its TLS stack restarts. */
static bool keep_sessions(SSL *session, const struct device *device)
{
    unsigned char owner[UUID_LENGTH + sizeof(device->tls_restarts)];

    memcpy(owner, device->uuid, UUID_LENGTH);
    memcpy(owner + UUID_LENGTH, &device->tls_restarts, sizeof(device->tls_restarts));
    return SSL_set_session_id_context(session, owner, sizeof(owner)) == 1;
}

SSL *tls_session(struct device *device, struct error *err)
{
    bool resuming = device_switch(device->switches.resumption, device->generation->resumes_sessions);
    SSL_CTX *context = context_for(device->generation, tls_wants_client_certificate(device), resuming);
    SSL *session = context ? SSL_new(context) : NULL;

    if (!session) {
        error_set(err, "%s: no TLS session: %s", device->uuid_text,
                  ERR_reason_error_string(ERR_peek_last_error()));
        return NULL;
    }
    SSL_set_app_data(session, device);
    if (!device_switch(device->switches.renegotiation_info, !device->generation->no_renegotiation_info))
        SSL_set_msg_callback(session, hide_renegotiation_info);
    if ((resuming && !keep_sessions(session, device)) || !give_certificate(session, device, err)) {
        SSL_free(session);
        return NULL;
    }
    return session;
}

void tls_served_names(struct device *device, char **subject, char **issuer)
{
    EVP_PKEY *key;
    X509 *installed = installed_certificate(device, &key);
    struct error err = { 0 };
    X509 *served = installed ? installed : identity_make(device, &err) ? device->identity : NULL;

    *subject = served ? name_readable(X509_get_subject_name(served)) : NULL;
    *issuer = served ? name_readable(X509_get_issuer_name(served)) : NULL;
    X509_free(installed);
}

void tls_release(void)
{
    while (context_count)
        SSL_CTX_free(contexts[--context_count].context);
}
