/* Any bytes inside the TLS session: an HTTP answer is taken apart in bounded memory, its body understood or
 * refused. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/connection_state.h"
#include "firmware/runtime.h"
#include "firmware/wsman_describe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *next;
static size_t left;

static int swallow(void *carrier, const char *data, size_t length)
{
    (void)carrier;
    (void)data;
    (void)length;
    return SOAP_OK;
}

/* In small parts, so that headers and chunks straddle reads. */
static size_t give(void *carrier, char *data, size_t size)
{
    size_t part = left < 97 ? left : 97;

    (void)carrier;
    part = part < size ? part : size;
    memcpy(data, next, part);
    next += part;
    left -= part;
    return part;
}

static void read_body(struct soap *soap)
{
    struct error err = { 0 };
    char *description = NULL;
    size_t length = 0;
    char *body = soap_http_get_body(soap, &length);

    if (!body)
        return;
    if (length > CONNECTION_REPLY_MAX_BYTES || body[length] != '\0')
        abort();
    if (wsman_describe(body, length, &description, &err))
        free(description);
    else if (!*err.message)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct connection connection;
    struct soap *soap;

    if (size > CONNECTION_REPLY_MAX_BYTES)
        return 0;
    next = data;
    left = size;
    memset(&connection, 0, sizeof(connection));
    runtime_init(&connection.runtime);
    exchange_hooks_set(&connection);
    connection.runtime.carrier.send = swallow;
    connection.runtime.carrier.receive = give;
    soap = connection.runtime.soap;
    soap->socket = 0; /* any: the hooks carry everything */
    soap->keep_alive = 1;
    soap->version = 2;
    if (soap_begin_recv(soap) == SOAP_OK && runtime_read_is_plain(&connection.runtime) &&
        !connection.carrying.too_large && soap->status >= 100 && soap->status != 401)
        read_body(soap);
    runtime_clear(&connection.runtime);
    return 0;
}
