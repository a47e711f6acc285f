#include "firmware/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "firmware/connection_state.h"
#include "firmware/echo.h"

#define SERVER_NAME       "Intel(R) Active Management Technology"
#define HEADERS_MAX_BYTES 4096 /* of a request; the longest one is Authorization */

/* ---- gSOAP's HTTP over our stream ---- */

static int carry_send(void *carrier, const char *data, size_t length)
{
    struct connection *connection = carrier;
    struct carrying *carrying = &connection->carrying;

    if (carrying->outcome == STREAM_OK)
        carrying->outcome = tls_stream_send(&connection->stream, data, length, carrying->until_ms);
    return carrying->outcome == STREAM_OK ? SOAP_OK : SOAP_EOF;
}

static size_t carry_receive(void *carrier, char *data, size_t size)
{
    struct connection *connection = carrier;
    struct carrying *carrying = &connection->carrying;
    size_t received = 0;

    if (carrying->outcome != STREAM_OK)
        return 0;
    if (carrying->received_bytes >= CONNECTION_REPLY_MAX_BYTES) {
        carrying->too_large = true;
        return 0;
    }
    carrying->outcome = tls_stream_receive(&connection->stream, data, size, &received, carrying->until_ms);
    if (carrying->outcome != STREAM_OK)
        return 0;
    carrying->received_bytes += received;
    return received;
}

static int carry_request_header(void *carrier, const char *name, const char *value)
{
    struct connection *connection = carrier;
    struct runtime *runtime = &connection->runtime;

    (void)value;
    if (!name)
        return *connection->carrying.authorization
                   ? runtime->plain_request_header(runtime->soap, "Authorization",
                                                   connection->carrying.authorization)
                   : SOAP_OK;
    /* AMT does not look at it; an answer must not be compressed, for its size is bounded on the wire. */
    if (strcasecmp(name, "Accept-Encoding") == 0)
        return SOAP_STOP;
    return strcasecmp(name, "SOAPAction") == 0 && runtime->soap->version == 2 ? SOAP_STOP : SOAP_OK;
}

static void version_remember(struct connection *connection, const char *server)
{
    const char *version = server + strlen(SERVER_NAME);
    size_t length;

    version += strspn(version, " ");
    length = strspn(version, "0123456789.");
    if (length > 0 && length < VERSION_SIZE)
        snprintf(connection->version, sizeof(connection->version), "%.*s", (int)length, version);
}

static int carry_reply_header(void *carrier, const char *name, const char *value)
{
    struct connection *connection = carrier;
    struct carrying *carrying = &connection->carrying;

    carrying->headers = true;
    if (strcasecmp(name, "Server") == 0) {
        if (strncmp(value, SERVER_NAME, strlen(SERVER_NAME)) == 0)
            version_remember(connection, value);
        carrying->server_is_amt =
            strncmp(value, SERVER_NAME, strlen(SERVER_NAME)) == 0 || strncmp(value, "AMT", 3) == 0;
    }
    if (strcasecmp(name, "WWW-Authenticate") == 0 && !carrying->has_challenge) {
        struct error problem = { 0 };

        carrying->has_challenge =
            digest_challenge_parse(value, strlen(value), &carrying->challenge, &problem);
        if (!carrying->has_challenge && carrying->challenge_problem.code != ERROR_PROTOCOL)
            carrying->challenge_problem = problem;
    }
    /* gSOAP takes as much memory as is promised here, before a byte of it came. */
    if (strcasecmp(name, "Content-Length") == 0 && strtoull(value, NULL, 10) > CONNECTION_REPLY_MAX_BYTES) {
        carrying->too_large = true;
        return SOAP_LENGTH;
    }
    if (strcasecmp(name, "Content-Encoding") == 0 && strcasecmp(value, "identity") != 0) {
        carrying->encoded = true;
        return SOAP_ZLIB_ERROR;
    }
    return SOAP_OK;
}

void exchange_hooks_set(struct connection *connection)
{
    connection->runtime.carrier = (struct runtime_carrier){ carry_send, carry_receive, carry_request_header,
                                                            carry_reply_header, connection };
}

static bool answer_is_whole(const struct carrying *carrying)
{
    return !carrying->encoded && !carrying->too_large && carrying->outcome == STREAM_OK;
}

static bool request_send(struct soap *soap, const char *endpoint, const struct exchange *request)
{
    size_t used = request->length + HEADERS_MAX_BYTES;
    bool sent;

    soap_begin_count(soap);
    soap->version = request->action ? 1 : 2; /* decides about Content-Type and SOAPAction */
    soap->count = request->length;
    sent = soap_end_count(soap) == SOAP_OK && soap_connect(soap, endpoint, request->action) == SOAP_OK &&
           soap_send_raw(soap, request->body, request->length) == SOAP_OK && soap_end_send(soap) == SOAP_OK;
    /* the request may have held a password, and gSOAP's buffer outlives it */
    secret_wipe(soap->buf, used < sizeof(soap->buf) ? used : sizeof(soap->buf));
    return sent;
}

static struct soap *soap_awake(struct connection *connection)
{
    struct soap *soap;

    runtime_wake(&connection->runtime);
    soap = connection->runtime.soap;
    soap->socket = connection->stream.socket;
    soap->keep_alive = 1;
    soap->status = 0;
    return soap;
}

/* Sends the bytes and takes the answer's; false when there was no complete answer. While the firmware thinks,
 * which is most of the time, the runtime is parked. */
static bool carry(struct connection *connection, const struct exchange *request, struct exchange_reply *reply)
{
    AUTO(text_free) char *endpoint = text_format("%s%s", connection->url, request->path);
    struct carrying *carrying = &connection->carrying;
    struct soap *soap = soap_awake(connection);
    size_t length = 0;
    char *body;

    if (!request_send(soap, endpoint, request))
        return false;
    runtime_park(&connection->runtime);
    carrying->outcome = tls_stream_await(&connection->stream, carrying->until_ms);
    soap = soap_awake(connection);
    if (carrying->outcome != STREAM_OK)
        return false;
    soap_begin_recv(soap);
    carrying->encoded |= !runtime_read_is_plain(&connection->runtime);
    reply->status = soap->status;
    if (!answer_is_whole(carrying) || reply->status < 100)
        return false;
    if (reply->status == 401)
        return true; /* its body is a page for people, and AMT closes */
    body = soap_http_get_body(soap, &length);
    if (!body || !answer_is_whole(carrying))
        return false;
    reply->body = body;
    reply->length = length;
    return true;
}

/* ---- one exchange ---- */

static bool answer_starts_well(const struct carrying *carrying, const struct exchange_reply *reply)
{
    const char *realm = carrying->has_challenge ? carrying->challenge.realm : "";

    return carrying->server_is_amt || strncmp(realm, "Digest:", 7) == 0 ||
           strncmp(realm, "Intel(R) AMT", 12) == 0 ||
           (reply->body &&
            (strstr(reply->body, ENVELOPE_SOAP_1_2) || strstr(reply->body, ENVELOPE_SOAP_1_1)));
}

static bool is_repeatable(const struct connection *connection, const struct exchange *request, bool reused)
{
    const struct carrying *carrying = &connection->carrying;

    return reused && !request->once && carrying->received_bytes == 0 &&
           (carrying->outcome == STREAM_CLOSED || carrying->outcome == STREAM_RESET);
}

static bool carrying_failed(const struct connection *connection, struct error *err)
{
    const struct carrying *carrying = &connection->carrying;
    const char *address = connection->address;

    if (carrying->too_large)
        return error_because(err, REASON_REPLY_TOO_LARGE,
                             "%s sent more than %d bytes; no answer of AMT is that long", address,
                             CONNECTION_REPLY_MAX_BYTES);
    if (carrying->encoded)
        return error_because(err, REASON_MALFORMED_REPLY,
                             "%s sent an encoded answer, which was not asked for", address);
    switch (carrying->outcome) {
    case STREAM_OK:
        if (!connection->is_amt)
            return error_because(err, REASON_NO_AMT, "what answers at %s port %u speaks TLS but not HTTP",
                                 address, connection->target.port);
        return error_because(err, REASON_MALFORMED_REPLY, "%s sent an answer that is not HTTP", address);
    case STREAM_TIMEOUT:
        return connection_time_up(connection, err)
                   ? false
                   : error_because(err, REASON_TIMEOUT, "%s did not answer within %u ms", address,
                                   connection->target.timeout_ms);
    case STREAM_CERTIFICATE_REFUSED:
        return connection_certificate_refused(connection, connection->stream.why, err);
    default:
        if (!connection->is_amt && carrying->received_bytes && !carrying->headers)
            return error_because(err, REASON_NO_AMT, "what answers at %s port %u speaks TLS but not HTTP",
                                 address, connection->target.port);
        return error_because(err, REASON_CONNECTION_LOST, "%s: %s %s", address, connection->stream.why,
                             carrying->received_bytes ? "in the middle of an answer"
                                                      : "before an answer came");
    }
}

/* Once over the wire, on a connection that is opened if need be. */
bool exchange_once(struct connection *connection, const struct exchange *request, const char *authorization,
                   struct exchange_reply *reply, int64_t until_ms, struct error *err)
{
    for (bool repeated = false;; repeated = true) {
        struct carrying *carrying = &connection->carrying;
        bool carried, reused;

        runtime_park(&connection->runtime);
        if (!connection_ensure_open(connection, until_ms, err))
            return false;
        memset(carrying, 0, sizeof(*carrying));
        carrying->until_ms = until_ms;
        snprintf(carrying->authorization, sizeof(carrying->authorization), "%s", authorization);
        reused = connection->exchanges++ > 0;
        *reply = (struct exchange_reply){ 0, (char *)"", 0 };
        carried = carry(connection, request, reply);
        if (!carried || reply->status != 200 || !connection->runtime.soap->keep_alive)
            connection_hang_up(connection); /* AMT closes after every 400 and 401 */
        if (carried && (connection->is_amt || answer_starts_well(carrying, reply))) {
            connection->is_amt = true;
            return true;
        }
        if (carried)
            return error_because(err, REASON_NO_AMT, "an HTTP server that is not AMT answers at %s port %u",
                                 connection->address, connection->target.port);
        if (repeated || !is_repeatable(connection, request, reused))
            return carrying_failed(connection, err);
    }
}

bool exchange_status_check(const struct connection *connection, int status, struct error *err)
{
    switch (status) {
    case 200:
    case 400: /* a SOAP fault */
    case 500:
        return true;
    case 503:
        return error_because(err, REASON_FIRMWARE_BUSY,
                             "%s answered 503: its web server is restarting or overloaded",
                             connection->address);
    default:
        return error_because(err, REASON_HTTP_ERROR, "%s answered with HTTP status %d", connection->address,
                             status);
    }
}

bool exchange_reply_check(const struct connection *connection, const struct exchange_reply *reply,
                          struct error *err)
{
    if (!exchange_status_check(connection, reply->status, err))
        return false;
    if (reply->status != 200 && !strstr(reply->body, "Envelope"))
        return error_because(err, REASON_HTTP_ERROR, "%s answered with HTTP status %d without a SOAP fault",
                             connection->address, reply->status);
    return true;
}

void exchange_reply_wipe(struct connection *connection, struct exchange_reply *reply)
{
    if (reply->length > 0) {
        secret_wipe(reply->body, reply->length);
        soap_dealloc(connection->runtime.soap, reply->body);
    }
    *reply = (struct exchange_reply){ 0, (char *)"", 0 };
}

static void body_free(struct bytes *body)
{
    if (body->data)
        secret_wipe(body->data, body->length);
    bytes_free(body);
}

/* A status or a fault's name says enough; what a value of ours was stays ours. */
static bool is_fault(const struct exchange_reply *reply)
{
    return reply->length > 0 && (reply->status != 200 || strstr(reply->body, "Fault>"));
}

bool connection_exchange_written(struct connection *connection, const struct exchange *request,
                                 struct exchange_reply *reply, struct error *err)
{
    struct runtime *runtime = &connection->runtime;
    AUTO(body_free) struct bytes body = runtime->written; /* outlives the runtime's rest */
    struct exchange complete = *request;

    runtime->written = (struct bytes){ 0 };
    runtime->written_capacity = 0;
    complete.body = (const char *)body.data;
    complete.length = body.length;
    if (!connection_exchange(connection, &complete, reply, err))
        return false;
    if (is_fault(reply))
        echo_blot(complete.body, complete.length, reply->body, reply->length);
    return true;
}
