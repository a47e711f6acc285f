/*
 * connection_state.h - what a connection consists of, for the files that share the work on it.
 *
 * Private to firmware/: connection.c opens and closes, identity.c judges the device's certificate, exchange.c
 * carries one HTTP exchange, login.c answers challenges, interface.c finds out what the firmware speaks.
 */
#ifndef FIRMWARE_CONNECTION_STATE_H
#define FIRMWARE_CONNECTION_STATE_H

#include "common/preflight.h"
#include "firmware/connection.h"
#include "firmware/digest.h"
#include "firmware/exchange.h"
#include "firmware/tls_stream.h"
#include "firmware/trust_context.h"

#define VERSION_SIZE  64
#define TLS_NAME_SIZE 96

/* The log-in at hand: who, and the nonce in use. */
struct digest_session {
    char *user; /* NULL: no credential is set */
    struct secret *password;
    uint8_t a1[DIGEST_HASH_SIZE]; /* of user, the challenge's realm and password */
    struct digest_challenge challenge;
    bool challenged; /* challenge is set; then every request carries an answer */
    uint32_t nonce_count;
    char cnonce[DIGEST_CNONCE_SIZE];
};

/* What one HTTP exchange has seen. */
struct carrying {
    int64_t until_ms;
    enum stream_outcome outcome; /* the first that was not STREAM_OK */
    size_t received_bytes;
    bool headers; /* HTTP headers came */
    bool too_large;
    bool encoded; /* a Content-Encoding that was not asked for */
    bool server_is_amt;
    bool has_challenge;
    struct digest_challenge challenge;
    struct error challenge_problem; /* why the challenge cannot be answered */
    char authorization[DIGEST_HEADER_SIZE];
};

struct connection {
    struct connection_target target;
    char *address, *url; /* url: what gSOAP makes the Host header from */
    struct tls_stream stream;
    SSL_SESSION *session; /* judged by identity_judge(), for the next TCP connection; NULL: none */
    struct runtime runtime;
    struct carrying carrying;
    struct digest_session login;
    enum tls_policy policy;
    bool policy_proved; /* a handshake succeeded with it */
    bool asked;         /* for a certificate, in the last full handshake */
    enum device_identity expected, found;
    bool has_fingerprint;
    uint8_t fingerprint[CONNECTION_FINGERPRINT_SIZE];
    struct bytes certificate;
    bool is_amt;      /* an answer has shown it */
    size_t exchanges; /* on the TCP connection at hand */
    size_t opened;    /* TCP connections so far */
    char version[VERSION_SIZE];
    char realm[DIGEST_REALM_SIZE];
    char tls[TLS_NAME_SIZE];
};

/* connection.c */
/* What the firmware said in this session, else what was known before; 0.0: neither. */
struct firmware_release connection_release(const struct connection *connection);
int64_t connection_request_end(const struct connection *connection); /* of a request that begins now */
/* True, with REASON_TIME_UP, when the job's deadline has passed. */
bool connection_time_up(const struct connection *connection, struct error *err);
void connection_hang_up(struct connection *connection); /* the next one may take up the TLS session again */
bool connection_ensure_open(struct connection *connection, int64_t until_ms, struct error *err) MUST_CHECK;
/* Always false: the likely cause by the pre-flight check (spec O3.4). */
bool connection_certificate_refused(const struct connection *connection, const char *why, struct error *err);

/* identity.c: of the stream that was just opened. */
bool identity_judge(struct connection *connection, struct error *err) MUST_CHECK;

/* exchange.c: once over the wire, on a connection that is opened if need be; a 401 is an answer. */
bool exchange_once(struct connection *connection, const struct exchange *request, const char *authorization,
                   struct exchange_reply *reply, int64_t until_ms, struct error *err) MUST_CHECK;
void exchange_hooks_set(struct connection *connection);

/* login.c */
void login_clear(struct digest_session *login);
enum login_verdict { LOGIN_ANSWERED, LOGIN_REFUSED, LOGIN_FAILED };
/* Sends the request with the credential at hand, if there is one. LOGIN_REFUSED: a 401 that stays. */
enum login_verdict login_exchange(struct connection *connection, const struct exchange *request,
                                  struct exchange_reply *reply, struct error *err);

/* interface.c: what the first requests, without credentials, have shown. */
struct interface_found {
    enum firmware_interface interface;
    bool challenged;
    const struct exchange *probe; /* harmless, for the log-in */
};
bool interface_find(struct connection *connection, struct interface_found *found,
                    struct error *err) MUST_CHECK;

#endif
