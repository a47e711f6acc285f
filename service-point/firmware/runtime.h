/*
 * runtime.h - a gSOAP runtime that writes envelopes to memory and reads them from memory.
 *
 * Private to firmware/. HTTP is gSOAP's too: while a connection carries a message it lends the runtime its
 * stream. So writing and parsing know no network, and the parsers run over recorded answers as they stand.
 */
#ifndef FIRMWARE_RUNTIME_H
#define FIRMWARE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#include "soapH.h"

#include "common/ownership.h"

/* How the bytes of an HTTP exchange travel; both hooks of gSOAP, see struct soap. */
struct runtime_carrier {
    int (*send)(void *carrier, const char *data, size_t length); /* SOAP_OK, or an error of gSOAP */
    size_t (*receive)(void *carrier, char *data, size_t size);   /* 0: end or error */
    int (*request_header)(void *carrier, const char *name,
                          const char *value); /* name NULL: after the last one */
    int (*reply_header)(void *carrier, const char *name, const char *value);
    void *carrier;
};

struct runtime {
    struct soap *soap; /* lent from a pool, its user points back here; NULL while parked */
    struct bytes written;
    size_t written_capacity;
    const char *read_at, *read_end; /* borrowed while an envelope is read */
    bool writing, reading;
    unsigned messages; /* written so far: the next one's MessageID */
    struct runtime_carrier carrier;
    int (*plain_request_header)(struct soap *, const char *, const char *); /* gSOAP's own */
    int (*plain_reply_header)(struct soap *, const char *, const char *);
};

/* The namespace of SOAP's envelope; a table of namespaces begins with the four of its version. */
#define ENVELOPE_SOAP_1_1 "http://schemas.xmlsoap.org/soap/envelope/"
#define ENVELOPE_SOAP_1_2 "http://www.w3.org/2003/05/soap-envelope"
#define NAMESPACES_OF_SOAP(envelope, encoding)                                                               \
    { "SOAP-ENV", envelope, NULL, NULL }, { "SOAP-ENC", encoding, NULL, NULL },                              \
        { "xsi", "http://www.w3.org/2001/XMLSchema-instance", NULL, NULL },                                  \
    {                                                                                                        \
        "xsd", "http://www.w3.org/2001/XMLSchema", NULL, NULL                                                \
    }
#define NAMESPACES_SOAP_1_1 NAMESPACES_OF_SOAP(ENVELOPE_SOAP_1_1, "http://schemas.xmlsoap.org/soap/encoding/")
#define NAMESPACES_SOAP_1_2 NAMESPACES_OF_SOAP(ENVELOPE_SOAP_1_2, "http://www.w3.org/2003/05/soap-encoding")

void runtime_init(struct runtime *runtime);
/*
 * gSOAP's struct has 164 KiB, half of them resident once used, and is needed only while an envelope is
 * written or read: a session that waits for its computer parks the runtime, which rests and gives the struct
 * back to a pool. To wake one that is awake changes nothing; none of gSOAP's state survives between the two.
 */
void runtime_park(struct runtime *runtime);
void runtime_wake(struct runtime *runtime);
/* Frees what was parsed or built by the last call, and wipes what may have held secrets. */
void runtime_rest(struct runtime *runtime);
void runtime_clear(struct runtime *runtime);

/* What follows is written to runtime->written, until runtime_write_end(). The first namespace says which
 * version of SOAP it is. */
void runtime_write_begin(struct runtime *runtime, const struct Namespace *namespaces);
/* On true the text is in runtime->written, owned by the runtime until the next write or rest. */
bool runtime_write_end(struct runtime *runtime);

/* What follows is parsed from the text, borrowed until runtime_read_end(). */
bool runtime_read_begin(struct runtime *runtime, const char *text, size_t length,
                        const struct Namespace *namespaces);
void runtime_read_end(struct runtime *runtime);

/* Whether gSOAP found nothing around what it began to read: no gzip, MIME or DIME. It looks for them by
 * itself, and none of AMT's answers has one. */
bool runtime_read_is_plain(const struct runtime *runtime);

/* What gSOAP says about its last error, for people. */
const char *runtime_error_text(struct runtime *runtime);

#endif
