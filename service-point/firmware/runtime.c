#include "firmware/runtime.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"

#define NESTING_MAX     40          /* the deepest answer of AMT has 15 levels */
#define TEXT_MAX        (64 * 1024) /* one element's text; a certificate in base64 has 5.6 KiB */
#define REPETITIONS_MAX 4096
#define POOL_KEPT       32
/* Of gSOAP's buffer of 64 KiB only so much becomes resident, in each of 2,000 sessions. */
#define RECEIVE_MAX 4096
#define INPUT_MODE  (SOAP_IO_KEEPALIVE | SOAP_XML_TREE | SOAP_C_UTFSTRING)
#define OUTPUT_MODE (SOAP_IO_KEEPALIVE | SOAP_XML_TREE | SOAP_XML_NOTYPE | SOAP_C_UTFSTRING)

/* libgsoapssl wants a table of this name; each call sets its own. */
SOAP_NMAC struct Namespace namespaces[] = {
    NAMESPACES_SOAP_1_2,
    { NULL, NULL, NULL, NULL },
};

/* ---- hooks: memory while an envelope is written or read, else the carrier ---- */

static void written_append(struct runtime *runtime, const char *data, size_t length)
{
    if (runtime->written.length + length + 1 > runtime->written_capacity) {
        size_t capacity = 2 * (runtime->written.length + length) + 2048;
        unsigned char *larger = allocate(capacity);

        if (runtime->written.length)
            memcpy(larger, runtime->written.data, runtime->written.length);
        if (runtime->written.data) /* may hold a password: realloc() would leave a copy behind */
            secret_wipe(runtime->written.data, runtime->written.length);
        free(runtime->written.data);
        runtime->written.data = larger;
        runtime->written_capacity = capacity;
    }
    memcpy(runtime->written.data + runtime->written.length, data, length);
    runtime->written.length += length;
    runtime->written.data[runtime->written.length] = '\0';
}

static int hook_send(struct soap *soap, const char *data, size_t length)
{
    struct runtime *runtime = soap->user;

    if (runtime->writing) {
        written_append(runtime, data, length);
        return SOAP_OK;
    }
    return runtime->carrier.send ? runtime->carrier.send(runtime->carrier.carrier, data, length) : SOAP_EOF;
}

static size_t hook_receive(struct soap *soap, char *data, size_t size)
{
    struct runtime *runtime = soap->user;
    size_t left = (size_t)(runtime->read_end - runtime->read_at);

    if (size > RECEIVE_MAX)
        size = RECEIVE_MAX;
    if (!runtime->reading)
        return runtime->carrier.receive ? runtime->carrier.receive(runtime->carrier.carrier, data, size) : 0;
    if (size > left)
        size = left;
    memcpy(data, runtime->read_at, size);
    runtime->read_at += size;
    return size;
}

static int hook_request_header(struct soap *soap, const char *name, const char *value)
{
    struct runtime *runtime = soap->user;
    int error = runtime->carrier.request_header
                    ? runtime->carrier.request_header(runtime->carrier.carrier, name, value)
                    : SOAP_OK;

    if (error == SOAP_STOP) /* this one is not sent */
        return SOAP_OK;
    return error ? error : runtime->plain_request_header(soap, name, value);
}

static int hook_reply_header(struct soap *soap, const char *name, const char *value)
{
    struct runtime *runtime = soap->user;
    int error = runtime->carrier.reply_header
                    ? runtime->carrier.reply_header(runtime->carrier.carrier, name, value)
                    : SOAP_OK;

    return error ? error : runtime->plain_reply_header(soap, name, value);
}

/* The stream belongs to the connection: gSOAP neither opens nor closes anything. */
static SOAP_SOCKET hook_open(struct soap *soap, const char *endpoint, const char *host, int port)
{
    (void)endpoint;
    (void)host;
    (void)port;
    return soap->socket;
}

static int hook_nothing(struct soap *soap)
{
    (void)soap;
    return SOAP_OK;
}

static int hook_close_socket(struct soap *soap, SOAP_SOCKET socket)
{
    (void)soap;
    (void)socket;
    return SOAP_OK;
}

static int hook_shutdown_socket(struct soap *soap, SOAP_SOCKET socket, int how)
{
    (void)soap;
    (void)socket;
    (void)how;
    return SOAP_OK;
}

/* ---- life ---- */

/* gSOAP lets the way of one message leak into the next (a chunked answer makes the next request chunked),
 * and the table of namespaces is the caller's, which ends with the call. */
static void modes_reset(struct soap *soap)
{
    soap_set_namespaces(soap, namespaces);
    soap->imode = INPUT_MODE;
    soap->omode = OUTPUT_MODE;
    soap->error = SOAP_OK;
    soap->buflen = soap->bufidx = 0;
}

/* What the pool lends: gSOAP's struct, and the functions that our hooks stand in front of. */
struct lent {
    struct soap soap; /* first: a pointer to it is one to the whole */
    int (*plain_request_header)(struct soap *, const char *, const char *);
    int (*plain_reply_header)(struct soap *, const char *, const char *);
    struct lent *next;
};

static struct {
    pthread_mutex_t lock;
    struct lent *free;
    size_t count;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct lent *lent_new(void)
{
    static pthread_once_t prepared = PTHREAD_ONCE_INIT;
    struct lent *lent = allocate(sizeof(*lent));
    struct soap *soap = &lent->soap;

    pthread_once(&prepared, soap_ssl_init); /* else soap_init2() does it, in several threads at once */
    soap_init2(soap, INPUT_MODE, OUTPUT_MODE);
    soap->maxlevel = NESTING_MAX;
    soap->maxlength = TEXT_MAX;
    soap->maxoccurs = REPETITIONS_MAX;
    lent->plain_request_header = soap->fposthdr;
    lent->plain_reply_header = soap->fparsehdr;
    soap->fsend = hook_send;
    soap->frecv = hook_receive;
    soap->fposthdr = hook_request_header;
    soap->fparsehdr = hook_reply_header;
    soap->fopen = hook_open;
    soap->fpoll = hook_nothing;
    soap->fclose = hook_nothing;
    soap->fclosesocket = hook_close_socket;
    soap->fshutdownsocket = hook_shutdown_socket;
    return lent;
}

static struct lent *pool_take(void)
{
    struct lent *lent;

    pthread_mutex_lock(&pool.lock);
    lent = pool.free;
    if (lent) {
        pool.free = lent->next;
        pool.count--;
    }
    pthread_mutex_unlock(&pool.lock);
    return lent ? lent : lent_new();
}

static void pool_give(struct lent *lent)
{
    bool kept;

    pthread_mutex_lock(&pool.lock);
    kept = pool.count < POOL_KEPT;
    if (kept) {
        lent->next = pool.free;
        pool.free = lent;
        pool.count++;
    }
    pthread_mutex_unlock(&pool.lock);
    if (!kept) {
        soap_done(&lent->soap);
        free(lent);
    }
}

void runtime_init(struct runtime *runtime)
{
    memset(runtime, 0, sizeof(*runtime));
    runtime_wake(runtime);
}

void runtime_wake(struct runtime *runtime)
{
    struct lent *lent;

    if (runtime->soap)
        return;
    lent = pool_take();
    lent->soap.user = runtime;
    lent->soap.socket = SOAP_INVALID_SOCKET;
    lent->soap.status = 0;
    lent->soap.keep_alive = 0;
    runtime->soap = &lent->soap;
    runtime->plain_request_header = lent->plain_request_header;
    runtime->plain_reply_header = lent->plain_reply_header;
}

void runtime_park(struct runtime *runtime)
{
    struct lent *lent = (struct lent *)runtime->soap;

    if (!lent)
        return;
    runtime_rest(runtime);
    modes_reset(&lent->soap);
    lent->soap.user = NULL;
    runtime->soap = NULL;
    pool_give(lent);
}

static void written_discard(struct runtime *runtime)
{
    if (runtime->written.data)
        secret_wipe(runtime->written.data, runtime->written.length);
    bytes_free(&runtime->written);
    runtime->written_capacity = 0;
}

void runtime_rest(struct runtime *runtime)
{
    struct soap *soap = runtime->soap;

    written_discard(runtime);
    if (!soap)
        return;
    soap_destroy(soap);
    soap_end(soap);
    soap->header = NULL;
    soap->fault = NULL;
    secret_wipe(soap->buf, RECEIVE_MAX);
    secret_wipe(soap->tmpbuf, sizeof(soap->tmpbuf));
    secret_wipe(soap->msgbuf, sizeof(soap->msgbuf));
    soap->buflen = soap->bufidx = 0;
}

void runtime_clear(struct runtime *runtime)
{
    runtime_park(runtime);
    written_discard(runtime);
}

void runtime_write_begin(struct runtime *runtime, const struct Namespace *table)
{
    struct soap *soap = runtime->soap;

    written_discard(runtime);
    modes_reset(soap);
    soap_set_namespaces(soap, table);
    soap->version = strcmp(table[0].ns, ENVELOPE_SOAP_1_1) == 0 ? 1 : 2;
    soap->encodingStyle = NULL;
    soap->socket = SOAP_INVALID_SOCKET; /* with a socket it collects the text in blocks, which nobody wipes */
    runtime->writing = true;
    soap->omode |= SOAP_ENC_PLAIN; /* no HTTP around it */
    soap_begin_send(soap);
}

bool runtime_write_end(struct runtime *runtime)
{
    bool written = !runtime->soap->error && soap_end_send(runtime->soap) == SOAP_OK;

    runtime->writing = false;
    modes_reset(runtime->soap);
    return written;
}

bool runtime_read_is_plain(const struct runtime *runtime)
{
    return !(runtime->soap->mode & (SOAP_ENC_ZLIB | SOAP_ENC_MIME | SOAP_ENC_DIME));
}

bool runtime_read_begin(struct runtime *runtime, const char *text, size_t length,
                        const struct Namespace *table)
{
    struct soap *soap = runtime->soap;

    modes_reset(soap);
    soap_set_namespaces(soap, table);
    runtime->read_at = text;
    runtime->read_end = text + length;
    runtime->reading = true;
    soap->imode |= SOAP_ENC_PLAIN;
    if (soap_begin_recv(soap) == SOAP_OK && !runtime_read_is_plain(runtime))
        soap->error = SOAP_SYNTAX_ERROR; /* inflated, 1 MiB would become 1 GiB */
    return soap->error == SOAP_OK;
}

void runtime_read_end(struct runtime *runtime)
{
    runtime->reading = false;
    runtime->read_at = runtime->read_end = NULL;
    modes_reset(runtime->soap);
}

const char *runtime_error_text(struct runtime *runtime)
{
    struct soap *soap = runtime->soap;

    switch (soap->error) {
    case SOAP_EOF:
        return "it ends too early";
    case SOAP_TAG_MISMATCH:
    case SOAP_NO_TAG:
        return "an element is missing or another stands in its place";
    case SOAP_SYNTAX_ERROR:
        return "it is not well-formed XML";
    case SOAP_TYPE:
        return "a value is not of its type";
    case SOAP_LENGTH:
    case SOAP_OCCURS:
    case SOAP_LEVEL:
        return "it is longer, deeper or repeats more than anything AMT sends";
    case SOAP_MUSTUNDERSTAND:
        return "it has a header with mustUnderstand that is not known";
    case SOAP_VERSIONMISMATCH:
        return "it is another version of SOAP than was asked";
    case SOAP_NAMESPACE:
        return "a namespace is not declared";
    default:
        return "it cannot be parsed";
    }
}
