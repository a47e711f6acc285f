#include "queue/gatekeeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/log.h"
#include "queue/address.h"

#define ZAP_ADDRESS     "inproc://zeromq.zap.01"
#define CURVE_KEY_BYTES 32
#define KNOCK_AGAIN_MS  60000
#define LOG_INTERVAL_MS 10000
#define FIELD_SIZE      256

/* Frames of a request, in this order (RFC 27). */
enum zap_field {
    ZAP_VERSION,
    ZAP_REQUEST_ID,
    ZAP_DOMAIN,
    ZAP_ADDRESS_OF_PEER,
    ZAP_ROUTING_ID,
    ZAP_MECHANISM,
    ZAP_CREDENTIALS,
    ZAP_FIELDS,
};

struct field {
    size_t length;
    char data[FIELD_SIZE];
};

struct request {
    struct field fields[ZAP_FIELDS];
    bool whole; /* as many frames as there should be, none too long */
};

struct remembered_knock {
    struct knock knock;
    int64_t at_ms;
    bool recorded;
};

struct gatekeeper {
    void *socket;
    char (*keys)[CURVE_KEY_SIZE]; /* sorted */
    size_t key_count;
    struct remembered_knock knocks[KNOCKS_MAX];
    struct gate_rule rule; /* admits NULL: the approved keys are the rule */
    struct gate_counts counts;
    struct log_limit log_unknown, log_malformed;
};

bool gatekeeper_open(struct gatekeeper **gatekeeper, void *context, struct error *err)
{
    AUTO(gatekeeper_close) struct gatekeeper *opening = allocate(sizeof(*opening));
    int no_linger = 0;

    opening->log_unknown.interval_ms = LOG_INTERVAL_MS;
    opening->log_malformed.interval_ms = LOG_INTERVAL_MS;
    opening->socket = zmq_socket(context, ZMQ_REP);
    if (!opening->socket || zmq_setsockopt(opening->socket, ZMQ_LINGER, &no_linger, sizeof(no_linger)) != 0 ||
        zmq_bind(opening->socket, ZAP_ADDRESS) != 0)
        return error_set(err, ERROR_INTERNAL, "cannot open the gate: %s", zmq_strerror(zmq_errno()));
    *gatekeeper = TAKE(opening);
    return true;
}

void gatekeeper_close(struct gatekeeper **gatekeeper)
{
    struct gatekeeper *closing = *gatekeeper;

    if (!closing)
        return;
    if (closing->socket)
        zmq_close(closing->socket);
    free(closing->keys);
    free(closing);
    *gatekeeper = NULL;
}

void gatekeeper_obey(struct gatekeeper *gatekeeper, const struct gate_rule *rule)
{
    gatekeeper->rule = *rule;
}

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, CURVE_KEY_LENGTH);
}

void gatekeeper_approve(struct gatekeeper *gatekeeper, const char *const *keys, size_t count)
{
    gatekeeper->keys = reallocate(gatekeeper->keys, count, sizeof(*gatekeeper->keys));
    gatekeeper->key_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (curve_key_valid(keys[i]))
            memcpy(gatekeeper->keys[gatekeeper->key_count++], keys[i], CURVE_KEY_SIZE);
    }
    qsort(gatekeeper->keys, gatekeeper->key_count, sizeof(*gatekeeper->keys), compare_keys);
}

bool gatekeeper_knows(const struct gatekeeper *gatekeeper, const char *key)
{
    if (!gatekeeper->key_count || strlen(key) != CURVE_KEY_LENGTH)
        return false;
    return bsearch(key, gatekeeper->keys, gatekeeper->key_count, sizeof(*gatekeeper->keys), compare_keys);
}

void gatekeeper_watch(struct gatekeeper *gatekeeper, struct watch *watch)
{
    *watch = (struct watch){ .socket = gatekeeper->socket, .descriptor = -1 };
}

/* False: nobody waits. */
static bool take_request(void *socket, struct request *request)
{
    unsigned count = 0;
    int more = 1;

    request->whole = true;
    while (more) {
        size_t more_size = sizeof(more);
        char frame[FIELD_SIZE];
        int length = zmq_recv(socket, frame, sizeof(frame), ZMQ_DONTWAIT);

        if (length < 0)
            return false;
        if (count >= ZAP_FIELDS || (size_t)length >= sizeof(frame)) {
            request->whole = false; /* zmq_recv() cuts off what does not fit */
        } else {
            request->fields[count].length = (size_t)length;
            memcpy(request->fields[count].data, frame, (size_t)length);
        }
        count++;
        if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size) != 0)
            return false;
    }
    request->whole = request->whole && count == ZAP_FIELDS;
    return true;
}

static bool field_is(const struct field *field, const char *text)
{
    return field->length == strlen(text) && memcmp(field->data, text, field->length) == 0;
}

static bool reply(void *socket, const struct request *request, const char *status, const char *text,
                  const char *user)
{
    const struct field *id = &request->fields[ZAP_REQUEST_ID];

    return zmq_send(socket, "1.0", 3, ZMQ_SNDMORE) >= 0 &&
           zmq_send(socket, id->data, id->length, ZMQ_SNDMORE) >= 0 &&
           zmq_send(socket, status, strlen(status), ZMQ_SNDMORE) >= 0 &&
           zmq_send(socket, text, strlen(text), ZMQ_SNDMORE) >= 0 &&
           zmq_send(socket, user, strlen(user), ZMQ_SNDMORE) >= 0 && zmq_send(socket, "", 0, 0) >= 0;
}

/* A key that knocks again takes its old place; else the place whose knock is longest ago. */
static struct remembered_knock *place_for(struct gatekeeper *gatekeeper, const char *key)
{
    struct remembered_knock *oldest = &gatekeeper->knocks[0];

    for (size_t i = 0; i < KNOCKS_MAX; i++) {
        struct remembered_knock *known = &gatekeeper->knocks[i];

        if (strcmp(known->knock.key, key) == 0)
            return known;
        if (known->at_ms < oldest->at_ms)
            oldest = known;
    }
    return oldest;
}

static void remember_knock(struct gatekeeper *gatekeeper, const char *key, const struct field *address,
                           int64_t now_ms)
{
    struct remembered_knock *place = place_for(gatekeeper, key);

    if (strcmp(place->knock.key, key) == 0 && now_ms - place->at_ms < KNOCK_AGAIN_MS)
        return;
    memset(place, 0, sizeof(*place));
    memcpy(place->knock.key, key, CURVE_KEY_SIZE);
    address_copy(address->data, address->length, place->knock.address, sizeof(place->knock.address));
    place->at_ms = now_ms;
}

static bool refuse_malformed(struct gatekeeper *gatekeeper, const struct request *request, int64_t now_ms)
{
    int64_t suppressed;

    gatekeeper->counts.malformed++;
    if (log_limit_passes(&gatekeeper->log_malformed, now_ms, &suppressed))
        log_warning("connection refused", log_text("why", "not a CURVE handshake"),
                    log_number("suppressed", suppressed));
    return reply(gatekeeper->socket, request, "400", "CURVE only", "");
}

static bool refuse_unknown(struct gatekeeper *gatekeeper, const struct request *request, const char *key,
                           int64_t now_ms)
{
    const struct field *address = &request->fields[ZAP_ADDRESS_OF_PEER];
    int64_t suppressed;

    gatekeeper->counts.unknown++;
    remember_knock(gatekeeper, key, address, now_ms);
    if (log_limit_passes(&gatekeeper->log_unknown, now_ms, &suppressed))
        log_warning("connection refused", log_text("why", "its key is not approved"), log_text("key", key),
                    log_text("address", place_for(gatekeeper, key)->knock.address),
                    log_text("remedy", "amtctl service-point approve KEY"),
                    log_number("suppressed", suppressed));
    /* Temporary, RFC 27: libzmq's client gives up for good after 400, and this one may be approved soon. */
    return reply(gatekeeper->socket, request, "300", "key not approved", "");
}

/* Temporary as well: the rule may admit it a minute later. */
static bool refuse_by_rule(struct gatekeeper *gatekeeper, const struct request *request, const char *address,
                           int64_t now_ms)
{
    int64_t suppressed;

    gatekeeper->counts.unknown++;
    if (log_limit_passes(&gatekeeper->log_unknown, now_ms, &suppressed))
        log_warning("connection refused", log_text("why", "too many connections, or too often"),
                    log_text("address", address), log_number("suppressed", suppressed));
    return reply(gatekeeper->socket, request, "300", "too many connections", "");
}

static bool answer_by_rule(struct gatekeeper *gatekeeper, const struct request *request, const char *key,
                           int64_t now_ms)
{
    const struct field *field = &request->fields[ZAP_ADDRESS_OF_PEER];
    char address[64];

    address_copy(field->data, field->length, address, sizeof(address));
    if (!gatekeeper->rule.admits(gatekeeper->rule.context, key, address, now_ms))
        return refuse_by_rule(gatekeeper, request, address, now_ms);
    gatekeeper->counts.admitted++;
    return reply(gatekeeper->socket, request, "200", "OK", key);
}

static bool answer_one(struct gatekeeper *gatekeeper, const struct request *request, int64_t now_ms)
{
    const struct field *credentials = &request->fields[ZAP_CREDENTIALS];
    char key[CURVE_KEY_SIZE];

    if (!request->whole || !field_is(&request->fields[ZAP_VERSION], "1.0") ||
        !field_is(&request->fields[ZAP_MECHANISM], "CURVE") || credentials->length != CURVE_KEY_BYTES)
        return refuse_malformed(gatekeeper, request, now_ms);
    if (!zmq_z85_encode(key, (const uint8_t *)credentials->data, CURVE_KEY_BYTES))
        return refuse_malformed(gatekeeper, request, now_ms);
    if (gatekeeper->rule.admits)
        return answer_by_rule(gatekeeper, request, key, now_ms);
    if (!gatekeeper_knows(gatekeeper, key))
        return refuse_unknown(gatekeeper, request, key, now_ms);
    gatekeeper->counts.admitted++;
    return reply(gatekeeper->socket, request, "200", "OK", key);
}

bool gatekeeper_answer(struct gatekeeper *gatekeeper, int64_t now_ms, struct error *err)
{
    struct request request = { 0 };

    while (take_request(gatekeeper->socket, &request)) {
        if (!answer_one(gatekeeper, &request, now_ms))
            return error_set(err, ERROR_INTERNAL, "cannot answer at the gate: %s", zmq_strerror(zmq_errno()));
        memset(&request, 0, sizeof(request));
    }
    if (zmq_errno() != EAGAIN && zmq_errno() != EINTR)
        return error_set(err, ERROR_INTERNAL, "cannot listen at the gate: %s", zmq_strerror(zmq_errno()));
    return true;
}

size_t gatekeeper_knocks(const struct gatekeeper *gatekeeper, struct knock *knocks)
{
    size_t count = 0;

    for (size_t i = 0; i < KNOCKS_MAX; i++) {
        if (gatekeeper->knocks[i].knock.key[0] && !gatekeeper->knocks[i].recorded)
            knocks[count++] = gatekeeper->knocks[i].knock;
    }
    return count;
}

void gatekeeper_recorded(struct gatekeeper *gatekeeper)
{
    for (size_t i = 0; i < KNOCKS_MAX; i++)
        gatekeeper->knocks[i].recorded = true;
}

void gatekeeper_counts(const struct gatekeeper *gatekeeper, struct gate_counts *counts)
{
    *counts = gatekeeper->counts;
}
