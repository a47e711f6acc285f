#include "firmware/tls_stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"

#define RECORD_HANDSHAKE      22
#define RECORD_ALERT          21
#define HANDSHAKE_CERTIFICATE 11
#define HANDSHAKE_REQUEST     13 /* CertificateRequest */
#define HANDSHAKE_PLEA        0  /* HelloRequest */
#define PLEAS_MAX             8
#define CERTIFICATE_LIST_AT   4 /* bytes of type and length before the list; an empty list has 3 more */

void tls_stream_init(struct tls_stream *stream)
{
    memset(stream, 0, sizeof(*stream));
    stream->socket = -1;
    stream->alert = -1;
}

void tls_stream_close(struct tls_stream *stream)
{
    if (stream->ssl) {
        if (stream->established && stream->alert < 0)
            SSL_shutdown(stream->ssl); /* says goodbye; an answer is not waited for */
        SSL_free(stream->ssl);
        stream->ssl = NULL;
    }
    if (stream->socket >= 0)
        close(stream->socket);
    stream->socket = -1;
    ERR_clear_error();
}

static enum stream_outcome fail(struct tls_stream *stream, enum stream_outcome outcome, const char *why)
{
    snprintf(stream->why, sizeof(stream->why), "%s", why);
    return outcome;
}

/* False when the time is up. */
static bool wait_for(int socket, short events, int64_t until_ms)
{
    for (;;) {
        int64_t left = until_ms - clock_monotonic_ms();
        struct pollfd waiting = { socket, events, 0 };
        int ready;

        if (left <= 0)
            return false;
        ready = poll(&waiting, 1, left > 60000 ? 60000 : (int)left);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return true; /* the call that follows reports it */
    }
}

/* ---- TCP ---- */

static socklen_t address_parse(const char *address, uint16_t port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof(*v4);
    }
    if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        return sizeof(*v6);
    }
    return 0;
}

static enum stream_outcome unconnected(struct tls_stream *stream, int problem)
{
    stream->refused = problem == ECONNREFUSED;
    return fail(stream, STREAM_UNREACHABLE, strerror(problem));
}

static enum stream_outcome dial(struct tls_stream *stream, const char *address, uint16_t port,
                                int64_t until_ms)
{
    struct sockaddr_storage to;
    socklen_t length = address_parse(address, port, &to), size = sizeof(int);
    int on = 1, problem = 0;

    if (length == 0)
        return fail(stream, STREAM_BAD_ADDRESS, "not a numeric IP address");
    stream->socket = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->socket < 0)
        return fail(stream, STREAM_UNREACHABLE, strerror(errno));
    setsockopt(stream->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(stream->socket, (struct sockaddr *)&to, length) == 0)
        return STREAM_OK;
    if (errno != EINPROGRESS)
        return unconnected(stream, errno);
    if (!wait_for(stream->socket, POLLOUT, until_ms))
        return fail(stream, STREAM_UNREACHABLE, "no answer in time");
    if (getsockopt(stream->socket, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 && problem == 0)
        return STREAM_OK;
    return unconnected(stream, problem ? problem : errno);
}

bool tls_stream_port_closed(const char *address, uint16_t port, int64_t until_ms)
{
    struct tls_stream stream;
    bool closed;

    tls_stream_init(&stream);
    closed = dial(&stream, address, port, until_ms) == STREAM_UNREACHABLE && stream.refused;
    tls_stream_close(&stream);
    return closed;
}

/* ---- TLS ---- */

static void see_message(int written, int version, int content_type, const void *data, size_t length, SSL *ssl,
                        void *argument)
{
    struct tls_stream *stream = argument;
    const uint8_t *bytes = data;

    (void)version;
    (void)ssl;
    if (written && content_type == RECORD_HANDSHAKE && length > CERTIFICATE_LIST_AT + 3 &&
        bytes[0] == HANDSHAKE_CERTIFICATE)
        stream->certificate_sent = true;
    if (!written && (content_type == RECORD_HANDSHAKE || content_type == RECORD_ALERT))
        stream->speaks_tls = true;
    if (!written && content_type == RECORD_HANDSHAKE && length > 0) {
        stream->certificate_asked |= bytes[0] == HANDSHAKE_REQUEST;
        stream->pleas += bytes[0] == HANDSHAKE_PLEA;
    }
    if (!written && content_type == RECORD_ALERT && length >= 2 && bytes[0] == SSL3_AL_FATAL)
        stream->alert = bytes[1];
}

static bool asks_too_often(const struct tls_stream *stream)
{
    return stream->pleas > PLEAS_MAX;
}

/*
 * OpenSSL answers a HelloRequest by itself and reads on (RFC 5246 7.4.1.1), as long as bytes are there: a
 * device that sends nothing else would keep one call for ever. So each read looks at the time itself.
 */
static long see_read(BIO *bio, int operation, const char *data, size_t size, int number, long value,
                     int result, size_t *processed)
{
    const struct tls_stream *stream = (const struct tls_stream *)BIO_get_callback_arg(bio);

    (void)data;
    (void)size;
    (void)number;
    (void)value;
    (void)processed;
    if (operation != BIO_CB_READ || (!asks_too_often(stream) && clock_monotonic_ms() < stream->until_ms))
        return result;
    BIO_clear_retry_flags(bio);
    return -1;
}

static bool alert_is_about_versions(int alert)
{
    return alert == TLS1_AD_PROTOCOL_VERSION || alert == TLS1_AD_INSUFFICIENT_SECURITY ||
           alert == SSL3_AD_HANDSHAKE_FAILURE || alert == SSL3_AD_BAD_RECORD_MAC ||
           alert == SSL3_AD_ILLEGAL_PARAMETER;
}

static bool alert_is_about_certificate(int alert)
{
    switch (alert) {
    case SSL3_AD_NO_CERTIFICATE:
    case SSL3_AD_BAD_CERTIFICATE:
    case SSL3_AD_UNSUPPORTED_CERTIFICATE:
    case SSL3_AD_CERTIFICATE_REVOKED:
    case SSL3_AD_CERTIFICATE_EXPIRED:
    case SSL3_AD_CERTIFICATE_UNKNOWN:
    case TLS1_AD_UNKNOWN_CA:
    case TLS1_AD_ACCESS_DENIED:
    case TLS1_AD_DECRYPT_ERROR:
    case TLS13_AD_CERTIFICATE_REQUIRED:
        return true;
    default:
        return false;
    }
}

static bool error_is_about_versions(unsigned long code)
{
    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        return false;
    switch (ERR_GET_REASON(code)) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_WRONG_CIPHER_RETURNED:
    case SSL_R_UNKNOWN_CIPHER_RETURNED:
    case SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED:
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    case SSL_R_DH_KEY_TOO_SMALL:
    case SSL_R_EE_KEY_TOO_SMALL:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_WRONG_SIGNATURE_TYPE:
    case SSL_R_VERSION_TOO_LOW:
        return true;
    default:
        return false;
    }
}

/* What a failed SSL_connect, SSL_read or SSL_write means; code and its errno were taken right after it. */
static enum stream_outcome judge(struct tls_stream *stream, int kind, int call_errno)
{
    unsigned long code = ERR_peek_last_error();
    bool shaking = !stream->established;

    if (stream->alert >= 0) {
        snprintf(stream->why, sizeof(stream->why), "TLS alert %d (%s)", stream->alert,
                 SSL_alert_desc_string_long(stream->alert));
        if (stream->certificate_asked && (alert_is_about_certificate(stream->alert) ||
                                          (shaking && stream->alert == SSL3_AD_HANDSHAKE_FAILURE)))
            return STREAM_CERTIFICATE_REFUSED;
        if (shaking && alert_is_about_versions(stream->alert))
            return STREAM_MISMATCH;
        return alert_is_about_certificate(stream->alert) ? STREAM_CERTIFICATE_REFUSED : STREAM_TLS_ERROR;
    }
    if (kind == SSL_ERROR_ZERO_RETURN ||
        (kind == SSL_ERROR_SSL && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) ||
        (kind == SSL_ERROR_SYSCALL && call_errno == 0)) {
        if (!stream->speaks_tls)
            return fail(stream, STREAM_NOT_TLS, "closed without an answer to the TLS hello");
        fail(stream, STREAM_CLOSED,
             shaking && stream->certificate_sent ? "closed right after our certificate was sent"
                                                 : "closed by the peer");
        return shaking && stream->certificate_sent ? STREAM_CERTIFICATE_REFUSED : STREAM_CLOSED;
    }
    if (kind == SSL_ERROR_SYSCALL)
        return fail(stream, STREAM_RESET, strerror(call_errno));
    if (!stream->speaks_tls)
        return fail(stream, STREAM_NOT_TLS, "the answer is not TLS");
    ERR_error_string_n(code, stream->why, sizeof(stream->why));
    return error_is_about_versions(code) ? STREAM_MISMATCH : STREAM_TLS_ERROR;
}

/*
 * After a call that did not succeed: waits if it is to be called again (STREAM_OK), else says why not.
 */
static enum stream_outcome wait_or_judge(struct tls_stream *stream, int result, int64_t until_ms)
{
    int call_errno = errno, kind = SSL_get_error(stream->ssl, result);
    enum stream_outcome outcome;

    if (asks_too_often(stream)) {
        ERR_clear_error();
        return fail(stream, STREAM_TLS_ERROR, "it asks for another handshake again and again");
    }
    if (kind == SSL_ERROR_SYSCALL && clock_monotonic_ms() >= until_ms) {
        ERR_clear_error();
        return fail(stream, STREAM_TIMEOUT, "no answer in time");
    }
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
        short events = kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;

        return wait_for(stream->socket, events, until_ms) ? STREAM_OK
                                                          : fail(stream, STREAM_TIMEOUT, "no answer in time");
    }
    outcome = judge(stream, kind, call_errno);
    ERR_clear_error();
    return outcome;
}

static enum stream_outcome shake_hands(struct tls_stream *stream, SSL_CTX *context, SSL_SESSION *session,
                                       int64_t until_ms)
{
    stream->ssl = SSL_new(context);
    if (!stream->ssl || SSL_set_fd(stream->ssl, stream->socket) != 1 ||
        (session && SSL_set_session(stream->ssl, session) != 1))
        return fail(stream, STREAM_TLS_ERROR, "no TLS session can be made");
    SSL_set_msg_callback(stream->ssl, see_message);
    SSL_set_msg_callback_arg(stream->ssl, stream);
    BIO_set_callback_ex(SSL_get_rbio(stream->ssl), see_read);
    BIO_set_callback_arg(SSL_get_rbio(stream->ssl), (char *)stream);
    stream->until_ms = until_ms;
    for (;;) {
        enum stream_outcome outcome;
        int result;

        ERR_clear_error();
        errno = 0;
        result = SSL_connect(stream->ssl);
        if (result == 1) {
            stream->established = true;
            stream->resumed = SSL_session_reused(stream->ssl) == 1;
            return STREAM_OK;
        }
        outcome = wait_or_judge(stream, result, until_ms);
        if (outcome != STREAM_OK)
            return outcome;
    }
}

enum stream_outcome tls_stream_open(struct tls_stream *stream, const char *address, uint16_t port,
                                    SSL_CTX *context, SSL_SESSION *session, int64_t until_ms)
{
    enum stream_outcome outcome;

    tls_stream_init(stream);
    outcome = dial(stream, address, port, until_ms);
    if (outcome == STREAM_OK)
        outcome = shake_hands(stream, context, session, until_ms);
    if (outcome != STREAM_OK)
        tls_stream_close(stream);
    return outcome;
}

/* A copy: OpenSSL makes the original unusable when its connection ends without a goodbye, which RFC 5246
 * 7.2.1 no longer asks for. */
SSL_SESSION *tls_stream_session(const struct tls_stream *stream)
{
    const SSL_SESSION *session = SSL_get0_session(stream->ssl);

    return session && SSL_SESSION_is_resumable(session) ? SSL_SESSION_dup(session) : NULL;
}

enum stream_outcome tls_stream_send(struct tls_stream *stream, const void *data, size_t length,
                                    int64_t until_ms)
{
    size_t written;

    if (!stream->ssl)
        return fail(stream, STREAM_CLOSED, "not open");
    stream->until_ms = until_ms;
    while (length > 0) {
        enum stream_outcome outcome;
        int result;

        ERR_clear_error();
        errno = 0;
        result = SSL_write_ex(stream->ssl, data, length, &written);
        if (result == 1)
            return STREAM_OK; /* without partial writes it is all or nothing */
        outcome = wait_or_judge(stream, result, until_ms);
        if (outcome != STREAM_OK)
            return outcome;
    }
    return STREAM_OK;
}

enum stream_outcome tls_stream_await(struct tls_stream *stream, int64_t until_ms)
{
    if (!stream->ssl)
        return fail(stream, STREAM_CLOSED, "not open");
    return SSL_has_pending(stream->ssl) || wait_for(stream->socket, POLLIN, until_ms)
               ? STREAM_OK
               : fail(stream, STREAM_TIMEOUT, "no answer in time");
}

enum stream_outcome tls_stream_receive(struct tls_stream *stream, void *data, size_t size, size_t *received,
                                       int64_t until_ms)
{
    if (!stream->ssl)
        return fail(stream, STREAM_CLOSED, "not open");
    stream->until_ms = until_ms;
    for (;;) {
        enum stream_outcome outcome;
        int result;

        if (clock_monotonic_ms() >= until_ms) /* a peer that drips must not outlive the limit */
            return fail(stream, STREAM_TIMEOUT, "the answer did not end in time");
        ERR_clear_error();
        errno = 0;
        result = SSL_read_ex(stream->ssl, data, size, received);
        if (result == 1)
            return STREAM_OK;
        outcome = wait_or_judge(stream, result, until_ms);
        if (outcome != STREAM_OK)
            return outcome;
    }
}

bool tls_stream_usable(struct tls_stream *stream)
{
    char byte;

    return stream->ssl && SSL_pending(stream->ssl) == 0 &&
           recv(stream->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}
