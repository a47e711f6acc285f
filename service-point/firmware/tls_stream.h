/*
 * tls_stream.h - TCP and TLS to one address, with deadlines and with failures told apart.
 *
 * Private to firmware/. The socket never blocks; every call ends by until_ms (clock_monotonic_ms()).
 */
#ifndef FIRMWARE_TLS_STREAM_H
#define FIRMWARE_TLS_STREAM_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stream_outcome {
    STREAM_OK,
    STREAM_BAD_ADDRESS,         /* not a numeric address */
    STREAM_UNREACHABLE,         /* no TCP connection: refused, no route, timed out */
    STREAM_NOT_TLS,             /* what answers does not speak TLS, or closes without a word */
    STREAM_MISMATCH,            /* no protocol version or suite in common */
    STREAM_CERTIFICATE_REFUSED, /* alert about our certificate, or closed right after it was sent */
    STREAM_CLOSED,              /* the peer closed in order */
    STREAM_RESET,               /* the connection broke */
    STREAM_TIMEOUT,
    STREAM_TLS_ERROR, /* anything else that TLS complains about */
};

struct tls_stream {
    int socket; /* -1: not open */
    SSL *ssl;
    bool established;       /* the handshake is over; OpenSSL forgets that after a fatal error */
    bool speaks_tls;        /* a handshake message or an alert came */
    bool certificate_asked; /* of us, in this handshake */
    bool certificate_sent;  /* ours, in this handshake */
    bool refused;           /* the host says that nothing listens at the port */
    bool resumed;           /* the handshake was the short one of a known session */
    int alert;              /* the last fatal alert from the peer; -1: none */
    int64_t until_ms;       /* of the call at hand */
    unsigned pleas;         /* HelloRequests, which nothing is done about */
    char why[160];          /* what went wrong, for people */
};

void tls_stream_init(struct tls_stream *stream);
/* On STREAM_OK the stream is open; otherwise closed, with why and alert still set. A session of before is
 * offered to the device, which may decline it; NULL: none. */
enum stream_outcome tls_stream_open(struct tls_stream *stream, const char *address, uint16_t port,
                                    SSL_CTX *context, SSL_SESSION *session, int64_t until_ms);
/* A TCP connection and nothing else: whether the host says that nothing listens at the port. */
bool tls_stream_port_closed(const char *address, uint16_t port, int64_t until_ms);
/* The session of an open stream, for later ones, whatever becomes of this one; the caller's. NULL: the device
 * keeps none. */
SSL_SESSION *tls_stream_session(const struct tls_stream *stream);
enum stream_outcome tls_stream_send(struct tls_stream *stream, const void *data, size_t length,
                                    int64_t until_ms);
/* Until there is something to receive, or the peer closes. */
enum stream_outcome tls_stream_await(struct tls_stream *stream, int64_t until_ms);
/* At least one byte on STREAM_OK. */
enum stream_outcome tls_stream_receive(struct tls_stream *stream, void *data, size_t size, size_t *received,
                                       int64_t until_ms);
/* Whether the peer has closed it, or sent what nobody asked for, while it was idle. */
bool tls_stream_usable(struct tls_stream *stream);
void tls_stream_close(struct tls_stream *stream); /* harmless on a closed one */

#endif
