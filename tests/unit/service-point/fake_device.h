/*
 * fake_device.h - a TLS server on loopback that answers from a script: what firmware and strangers may send.
 *
 * One thread, one connection at a time. Each request takes the next answer; at the end of the script the
 * connection is closed without one.
 */
#ifndef TESTS_FAKE_DEVICE_H
#define TESTS_FAKE_DEVICE_H

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pki.h"

#define FAKE_REQUESTS_MAX 16
#define FAKE_REQUEST_SIZE 8192

enum fake_manner {
    FAKE_TLS,          /* as AMT does */
    FAKE_PLAIN,        /* answers the TLS hello with the first answer of the script, in clear */
    FAKE_CLOSES,       /* closes at once */
    FAKE_BEGS,         /* answers the TLS hello with HelloRequests, in clear, for ever */
    FAKE_BEGS_LATER,   /* the same when the handshake is over */
    FAKE_WANTS_CLIENT, /* asks for a client certificate and takes any */
    FAKE_REFUSES,      /* asks for one and refuses it */
};

enum fake_ending {
    FAKE_KEEPS,
    FAKE_CLOSES_AFTER,
    FAKE_RESETS_AFTER,
    FAKE_VANISHES_AFTER /* without TLS's goodbye */
};

struct fake_answer {
    const char *text;
    enum fake_ending ending;
    unsigned drip_ms;   /* one byte each; 0: at once */
    unsigned silent_ms; /* before the first byte */
    size_t filler;      /* so many blanks after the text */
};

struct fake_device {
    enum fake_manner manner;
    int max_version; /* 0: TLS 1.2 */
    const struct identity *identity;
    const struct identity *next_identity; /* from the second connection on; NULL: the same */
    bool keeps_sessions;                  /* of TLS; not together with next_identity */
    bool chokes_on_sessions;              /* closes when one is offered */
    struct fake_answer script[FAKE_REQUESTS_MAX];
    /* what was seen; read after fake_stop() */
    char requests[FAKE_REQUESTS_MAX][FAKE_REQUEST_SIZE];
    size_t request_count, connection_count, offered_count, resumed_count;
    int client_chain_length;
    char client_subject[256]; /* of the first certificate of the chain */
    /* its own */
    uint16_t port;
    int listener;
    SSL_CTX *kept; /* with keeps_sessions: of all connections */
    size_t answered;
    atomic_bool stopping;
    pthread_t thread;
};

static int fake_verify_any(X509_STORE_CTX *check, void *argument)
{
    (void)check;
    (void)argument;
    return 1;
}

static int fake_verify_none(X509_STORE_CTX *check, void *argument)
{
    (void)argument;
    X509_STORE_CTX_set_error(check, X509_V_ERR_CERT_REJECTED);
    return 0;
}

static SSL_CTX *fake_context(const struct fake_device *device)
{
    const struct identity *identity =
        device->connection_count > 1 && device->next_identity ? device->next_identity : device->identity;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, device->max_version ? device->max_version : TLS1_2_VERSION);
    SSL_CTX_use_certificate(context, identity->certificate);
    SSL_CTX_use_PrivateKey(context, identity->key);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"fake", 4);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    if (device->manner == FAKE_WANTS_CLIENT || device->manner == FAKE_REFUSES) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_cert_verify_callback(
            context, device->manner == FAKE_REFUSES ? fake_verify_none : fake_verify_any, NULL);
    }
    return context;
}

/* One request with its body, or false when the peer has gone. */
static bool fake_hear(struct fake_device *device, SSL *ssl)
{
    char *text = device->requests[device->request_count];
    size_t length = 0, wanted = SIZE_MAX;

    while (length < wanted && length + 1 < FAKE_REQUEST_SIZE) {
        const char *body, *header;
        int got = SSL_read(ssl, text + length, (int)(FAKE_REQUEST_SIZE - 1 - length));

        if (got <= 0)
            return false;
        length += (size_t)got;
        text[length] = '\0';
        body = strstr(text, "\r\n\r\n");
        header = strstr(text, "Content-Length: ");
        if (body && header)
            wanted = (size_t)(body + 4 - text) + strtoul(header + 16, NULL, 10);
    }
    device->request_count++;
    return true;
}

static void fake_sleep(const struct fake_device *device, unsigned ms)
{
    for (; ms > 0 && !device->stopping; ms = ms > 10 ? ms - 10 : 0)
        poll(NULL, 0, ms > 10 ? 10 : (int)ms);
}

static void fake_say(const struct fake_device *device, SSL *ssl, const struct fake_answer *answer)
{
    size_t length = strlen(answer->text);

    fake_sleep(device, answer->silent_ms);
    for (size_t i = 0; answer->drip_ms && i < length && !device->stopping; i++) {
        if (SSL_write(ssl, answer->text + i, 1) <= 0)
            return;
        fake_sleep(device, answer->drip_ms);
    }
    if (!answer->drip_ms && length)
        SSL_write(ssl, answer->text, (int)length);
    for (size_t sent = 0; sent < answer->filler && !device->stopping; sent += 1024) {
        static const char blanks[1024] = { ' ' };

        if (SSL_write(ssl, blanks, sizeof(blanks)) <= 0)
            return;
    }
}

/* False: there is no goodbye. */
static bool fake_converse(struct fake_device *device, SSL *ssl, int socket)
{
    while (device->request_count < FAKE_REQUESTS_MAX && fake_hear(device, ssl)) {
        const struct fake_answer *answer = &device->script[device->answered];

        if (device->answered + 1 >= FAKE_REQUESTS_MAX || !answer->text)
            return true;
        device->answered++;
        fake_say(device, ssl, answer);
        if (answer->ending == FAKE_RESETS_AFTER) {
            struct linger at_once = { 1, 0 };

            setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        }
        if (answer->ending != FAKE_KEEPS)
            return answer->ending == FAKE_CLOSES_AFTER;
    }
    return true;
}

/* RFC 5246 7.4.1.1: the client may ignore it, and then waits for the next message. */
static void fake_beg(const struct fake_device *device, int socket)
{
    static const char plea[] = "\x16\x03\x03\0\4\0\0\0";
    char pleas[64 * sizeof(plea)];

    for (size_t i = 0; i < sizeof(pleas); i += sizeof(plea))
        memcpy(pleas + i, plea, sizeof(plea));
    while (!device->stopping && send(socket, pleas, sizeof(pleas), MSG_NOSIGNAL) > 0)
        ;
}

static void fake_beg_later(const struct fake_device *device, SSL *ssl)
{
    while (!device->stopping && SSL_renegotiate(ssl) == 1 && SSL_do_handshake(ssl) == 1)
        ;
}

static void fake_look_at_client(struct fake_device *device, SSL *ssl)
{
    STACK_OF(X509) *others = SSL_get_peer_cert_chain(ssl); /* on a server: without the leaf */
    X509 *leaf = SSL_get0_peer_certificate(ssl);

    if (!leaf)
        return;
    device->client_chain_length = 1 + sk_X509_num(others);
    X509_NAME_oneline(X509_get_subject_name(leaf), device->client_subject, sizeof(device->client_subject));
}

/* RFC 5246 7.4.1.2: in the ClientHello, behind record and message header, version and random. */
static bool fake_offered_session(int socket)
{
    enum { SESSION_LENGTH_AT = 5 + 4 + 2 + 32 };
    uint8_t hello[SESSION_LENGTH_AT + 1];

    return recv(socket, hello, sizeof(hello), MSG_PEEK | MSG_WAITALL) == (ssize_t)sizeof(hello) &&
           hello[SESSION_LENGTH_AT] > 0;
}

static void fake_serve(struct fake_device *device, int socket)
{
    bool offered = fake_offered_session(socket);
    SSL_CTX *context;
    SSL *ssl;

    device->offered_count += offered;
    if (offered && device->chokes_on_sessions)
        return;
    context = device->kept ? device->kept : fake_context(device);
    if (device->keeps_sessions && !device->kept)
        device->kept = context;
    ssl = SSL_new(context);
    SSL_set_fd(ssl, socket);
    if (SSL_accept(ssl) == 1) {
        device->resumed_count += SSL_session_reused(ssl) == 1;
        fake_look_at_client(device, ssl);
        if (device->manner == FAKE_BEGS_LATER)
            fake_beg_later(device, ssl);
        else if (fake_converse(device, ssl, socket))
            SSL_shutdown(ssl);
        else
            SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN); /* OpenSSL would forget the session otherwise */
    }
    SSL_free(ssl);
    if (!device->kept)
        SSL_CTX_free(context);
}

static void *fake_run(void *argument)
{
    struct fake_device *device = argument;

    while (!device->stopping) {
        int socket = accept(device->listener, NULL, NULL);

        if (socket < 0)
            break;
        device->connection_count++;
        if (device->manner == FAKE_PLAIN) {
            char hello[2048];

            if (recv(socket, hello, sizeof(hello), 0) > 0)
                send(socket, device->script[0].text, strlen(device->script[0].text), MSG_NOSIGNAL);
        } else if (device->manner == FAKE_BEGS) {
            fake_beg(device, socket);
        } else if (device->manner != FAKE_CLOSES) {
            fake_serve(device, socket);
        }
        close(socket);
    }
    return NULL;
}

static void fake_start(struct fake_device *device)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);

    signal(SIGPIPE, SIG_IGN);
    device->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind(device->listener, (struct sockaddr *)&address, sizeof(address));
    listen(device->listener, 8);
    getsockname(device->listener, (struct sockaddr *)&address, &size);
    device->port = ntohs(address.sin_port);
    pthread_create(&device->thread, NULL, fake_run, device);
}

/* After the client's connection is closed. */
static void fake_stop(struct fake_device *device)
{
    device->stopping = true;
    shutdown(device->listener, SHUT_RDWR);
    pthread_join(device->thread, NULL);
    close(device->listener);
    SSL_CTX_free(device->kept);
    device->kept = NULL;
}

#endif
