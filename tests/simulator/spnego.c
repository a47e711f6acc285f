#include "spnego.h"

#include <string.h>

/* Tags of DER (X.690 8.1.2) as these structures have them. */
enum {
    DER_OCTETS = 0x04,
    DER_OBJECT = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_SEQUENCE = 0x30,
    DER_TOKEN = 0x60,      /* [APPLICATION 0]: RFC 2743 3.1 */
    DER_TICKET = 0x61,     /* [APPLICATION 1]: RFC 4120 5.3 */
    DER_AP_REQUEST = 0x6e, /* [APPLICATION 14]: RFC 4120 5.5.1 */
    DER_FIELD = 0xa0,      /* [n], constructed */
};

static const unsigned char spnego_object[] = { 0x2b, 6, 1, 5, 5, 2 };
static const unsigned char kerberos_object[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2 };
/* The same with a bit lost, which Windows says first for old times' sake (MS-SPNG 3.1.5.2). */
static const unsigned char kerberos_misspelt[] = { 0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2 };
static const unsigned char request_mark[] = { 1, 0 }, reply_mark[] = { 2, 0 }; /* RFC 4121 4.1 */

static bool span_is(const struct span *span, const unsigned char *bytes, size_t length)
{
    return span->length == length && !memcmp(span->bytes, bytes, length);
}
#define SPAN_IS(span, bytes) span_is(span, bytes, sizeof(bytes))

/* ---- reading ---- */

/* Takes the element at the front, which must have this tag. The form is definite, of at most four octets. */
static bool take(struct span *from, unsigned tag, struct span *content)
{
    size_t head = 2, length;

    if (from->length < head || from->bytes[0] != tag)
        return false;
    length = from->bytes[1];
    if (length & 0x80) {
        size_t octets = length & 0x7f;

        if (octets < 1 || octets > 4 || from->length < head + octets)
            return false;
        length = 0;
        for (size_t i = 0; i < octets; i++)
            length = length << 8 | from->bytes[head + i];
        head += octets;
    }
    if (length > from->length - head)
        return false;
    *content = (struct span){ from->bytes + head, length };
    from->bytes += head + length;
    from->length -= head + length;
    return true;
}

static bool take_mark(struct span *from, const unsigned char mark[2])
{
    if (from->length < 2 || memcmp(from->bytes, mark, 2))
        return false;
    from->bytes += 2;
    from->length -= 2;
    return true;
}

static bool is_kerberos(const struct span *object)
{
    return SPAN_IS(object, kerberos_object) || SPAN_IS(object, kerberos_misspelt);
}

/* Field number wanted of a sequence, fields before it skipped; in ascending order, as DER has them. */
static bool take_field(struct span *sequence, unsigned wanted, struct span *field)
{
    for (unsigned number = 0; number < wanted; number++) {
        struct span skipped;

        (void)take(sequence, DER_FIELD + number, &skipped);
    }
    return take(sequence, DER_FIELD + wanted, field);
}

/* KRB_AP_REQ: protocol version, message type, options, then the ticket. */
static bool find_ticket(struct negotiation *read)
{
    struct span rest = read->request, application, sequence, field, content;

    if (!take(&rest, DER_AP_REQUEST, &application) || rest.length ||
        !take(&application, DER_SEQUENCE, &sequence) || !take_field(&sequence, 3, &field))
        return false;
    read->ticket = field;
    return take(&field, DER_TICKET, &content) && !field.length;
}

/* The mechanism's own token: [APPLICATION 0] { object, 01 00, KRB_AP_REQ }. */
static bool read_kerberos(struct span content, struct negotiation *read, struct error *err)
{
    if (!take_mark(&content, request_mark))
        return error_set(err, "RFC 4121 4.1: the token is no KRB_AP_REQ");
    read->request = content;
    return find_ticket(read) || error_set(err, "RFC 4120 5.5.1: the KRB_AP_REQ holds no ticket");
}

/* The first of the mechanisms must be Kerberos: the token that comes along is for that one. */
static bool read_mechanisms(struct span field, struct negotiation *read)
{
    struct span list;

    return take(&field, DER_SEQUENCE, &list) && take(&list, DER_OBJECT, &read->mechanism) &&
           is_kerberos(&read->mechanism);
}

/* NegTokenInit (RFC 4178 4.2.1): mechanisms, request flags, the token of the first mechanism. */
static bool read_init(struct span content, struct negotiation *read, struct error *err)
{
    struct span init, sequence, field, octets, inner, object;

    if (!take(&content, DER_FIELD, &init) || !take(&init, DER_SEQUENCE, &sequence) ||
        !take(&sequence, DER_FIELD, &field))
        return error_set(err, "RFC 4178 4.2.1: the token is no NegTokenInit");
    if (!read_mechanisms(field, read))
        return error_set(err, "the client's first choice is not Kerberos");
    if (!take_field(&sequence, 2, &field) || !take(&field, DER_OCTETS, &octets))
        return error_set(err, "RFC 4178 4.2.1: the token of the mechanism is missing");
    if (!take(&octets, DER_TOKEN, &inner) || !take(&inner, DER_OBJECT, &object) || !is_kerberos(&object))
        return error_set(err, "RFC 2743 3.1: the token inside is not one of Kerberos");
    return read_kerberos(inner, read, err);
}

bool negotiation_read(const unsigned char *token, size_t length, struct negotiation *read, struct error *err)
{
    struct span whole = { token, length }, content, object;
    struct negotiation reading = { 0 };
    bool good;

    if (!take(&whole, DER_TOKEN, &content) || !take(&content, DER_OBJECT, &object))
        return error_set(err, "RFC 2743 3.1: the token does not say its mechanism");
    if (is_kerberos(&object))
        good = read_kerberos(content, &reading, err);
    else if (SPAN_IS(&object, spnego_object))
        good = read_init(content, &reading, err);
    else
        return error_set(err, "the token's mechanism is neither SPNEGO nor Kerberos");
    if (good)
        *read = reading;
    return good;
}

/* ---- writing ---- */

/* Puts tag and length before what the text holds. */
static void wrap(struct text *text, unsigned tag)
{
    struct text wrapped = { 0 };
    unsigned char head[6] = { (unsigned char)tag };
    size_t used = 1, octets = 0;

    if (text->length < 0x80) {
        head[used++] = (unsigned char)text->length;
    } else {
        while (text->length >> (8 * octets))
            octets++;
        head[used++] = (unsigned char)(0x80 | octets);
        while (octets--)
            head[used++] = (unsigned char)(text->length >> (8 * octets));
    }
    text_append_bytes(&wrapped, head, used);
    text_append_bytes(&wrapped, text->bytes, text->length);
    text_release(text);
    *text = wrapped;
}

static void append_object(struct text *text, const unsigned char *bytes, size_t length)
{
    struct text object = { 0 };

    text_append_bytes(&object, bytes, length);
    wrap(&object, DER_OBJECT);
    text_append_bytes(text, object.bytes, object.length);
    text_release(&object);
}

static void append_kerberos(const void *reply, size_t length, struct text *token)
{
    append_object(token, kerberos_object, sizeof(kerberos_object));
    text_append_bytes(token, reply_mark, sizeof(reply_mark));
    text_append_bytes(token, reply, length);
    wrap(token, DER_TOKEN);
}

/* NegTokenResp (RFC 4178 4.2.2): state, mechanism, token of the mechanism. */
void negotiation_answer(const struct negotiation *negotiation, const void *reply, size_t length,
                        struct text *token)
{
    static const unsigned char accepted[] = { DER_FIELD, 3, DER_ENUMERATED, 1, 0 };
    struct text inner = { 0 }, mechanism = { 0 };

    if (length)
        append_kerberos(reply, length, &inner);
    if (!negotiation->mechanism.length) {
        *token = inner;
        return;
    }
    append_object(&mechanism, negotiation->mechanism.bytes, negotiation->mechanism.length);
    wrap(&mechanism, DER_FIELD + 1);
    text_append_bytes(token, accepted, sizeof(accepted));
    text_append_bytes(token, mechanism.bytes, mechanism.length);
    if (inner.length) {
        wrap(&inner, DER_OCTETS);
        wrap(&inner, DER_FIELD + 2);
        text_append_bytes(token, inner.bytes, inner.length);
    }
    wrap(token, DER_SEQUENCE);
    wrap(token, DER_FIELD + 1);
    text_release(&inner);
    text_release(&mechanism);
}
