#include "minimal_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/usage.h"

enum { STACK_BYTES = 256 * 1024, TLS_PORT = 16993, READ_TIMEOUT_S = 120 };

struct visit {
    pthread_t thread;
    const struct minimal_work *work;
    const struct computer *computer;
    SSL_CTX *context;
    char *request;
    SSL_SESSION *session; /* of the last full handshake */
    struct error err;
    bool done;
};

/* DSP0226: a Get of AMT_GeneralSettings, about as long as the service point's requests are. */
static char *request_text(void)
{
    static const char body[] =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope "
        "xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
        "xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
        "xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><s:Header>"
        "<a:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</a:Action><a:To>/wsman</a:To>"
        "<w:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings</w:ResourceURI>"
        "<a:MessageID>uuid:5e1d0000-0000-4000-8000-00000000be4c</a:MessageID><a:ReplyTo><a:Address>"
        "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>"
        "<w:OperationTimeout>PT30S</w:OperationTimeout></s:Header><s:Body/></s:Envelope>";

    return text_format(
        "POST /wsman HTTP/1.1\r\nHost: amt\r\nContent-Type: application/soap+xml;charset=UTF-8\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        strlen(body), body);
}

static SSL_CTX *context_make(const char *certificate_path)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_use_PrivateKey_file(context, certificate_path, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_certificate_chain_file(context, certificate_path) != 1) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

static bool dial(struct visit *visit, int *fd)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(TLS_PORT) };
    struct timeval limit = { .tv_sec = READ_TIMEOUT_S };

    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (inet_pton(AF_INET, visit->computer->address, &name.sin_addr) != 1 ||
        connect(*fd, (struct sockaddr *)&name, sizeof(name)) != 0)
        return error_set(&visit->err, ERROR_UNREACHABLE, "%s: %s", visit->computer->address, strerror(errno));
    return true;
}

/* AMT's answers are chunked; the last chunk is "0". */
static bool exchange(struct visit *visit, SSL *tls)
{
    char answer[16384];
    size_t length = 0;
    int got;

    if (SSL_write(tls, visit->request, (int)strlen(visit->request)) <= 0)
        return error_set(&visit->err, ERROR_UNREACHABLE, "%s: cannot send", visit->computer->address);
    while ((got = SSL_read(tls, answer + length, (int)(sizeof(answer) - 1 - length))) > 0) {
        length += (size_t)got;
        answer[length] = '\0';
        if (length >= 5 && strcmp(answer + length - 5, "0\r\n\r\n") == 0)
            return strstr(answer, " 200 ") ||
                   error_set(&visit->err, ERROR_REFUSED, "%s: %.60s", visit->computer->address, answer);
    }
    return error_set(&visit->err, ERROR_UNREACHABLE, "%s: answer broke off after %zu bytes: %.60s",
                     visit->computer->address, length, length ? answer : "");
}

static void session_keep(struct visit *visit, SSL *tls)
{
    SSL_SESSION_free(visit->session);
    visit->session = SSL_SESSION_dup(SSL_get0_session(tls));
}

static bool converse(struct visit *visit, bool resuming, unsigned requests)
{
    SSL *tls = SSL_new(visit->context);
    int fd = -1;
    bool done = dial(visit, &fd) && SSL_set_fd(tls, fd) == 1;

    if (resuming)
        SSL_set_session(tls, visit->session);
    if (done && SSL_connect(tls) != 1)
        done = error_set(&visit->err, ERROR_UNREACHABLE, "%s: TLS handshake: %s", visit->computer->address,
                         ERR_reason_error_string(ERR_peek_last_error()));
    if (done && !resuming)
        session_keep(visit, tls);
    for (unsigned i = 0; done && i < requests; i++)
        done = exchange(visit, tls);
    SSL_free(tls);
    if (fd >= 0)
        close(fd);
    return done;
}

static void *visit_run(void *argument)
{
    struct visit *visit = argument;
    const struct minimal_work *work = visit->work;
    unsigned left = work->requests;

    visit->done = true;
    for (unsigned connection = work->handshakes + work->resumptions; visit->done && connection > 0;
         connection--) {
        unsigned now = left / connection;

        visit->done = converse(visit, connection <= work->resumptions, now);
        left -= now;
    }
    SSL_SESSION_free(visit->session);
    return NULL;
}

static bool start_visit(struct visit *visit)
{
    pthread_attr_t attributes;
    bool started;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    started = pthread_create(&visit->thread, &attributes, visit_run, visit) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

bool minimal_client_run(const struct minimal_work *work, double *cpu_ms, struct error *err)
{
    struct visit *visits = allocate(work->count * sizeof(*visits));
    SSL_CTX *context = context_make(work->certificate_path);
    AUTO(text_free) char *request = request_text();
    double before_ms = usage_own_cpu_ms();
    size_t started = 0;
    bool done = context || error_set(err, ERROR_INPUT, "%s holds no key and chain", work->certificate_path);

    for (; done && started < work->count; started++) {
        visits[started] = (struct visit){
            .work = work, .computer = &work->computers[started], .context = context, .request = request
        };
        if (!start_visit(&visits[started])) {
            done = error_set(err, ERROR_INTERNAL, "no thread for computer number %zu", started);
            break;
        }
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(visits[i].thread, NULL);
        if (done && !visits[i].done) {
            *err = visits[i].err;
            done = false;
        }
    }
    *cpu_ms = usage_own_cpu_ms() - before_ms;
    SSL_CTX_free(context);
    free(visits);
    return done;
}
