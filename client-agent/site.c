#include "site.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "common/clock.h"

#define ASK_AGAIN_MS     10000 /* the site server may have stopped between question and answer */
#define RECONNECT_MS     500
#define RECONNECT_MAX_MS 5000
#define HIGH_WATER_MARK  16 /* one question at a time */

struct site {
    void *context, *socket;
    char *endpoint;
    char public_key[CURVE_KEY_SIZE];
    struct curve_key_pair key;
    unsigned timeout_ms;
    uint64_t last_correlation;
};

/* ---- the connection ---- */

bool site_key_generate(struct curve_key_pair *pair, struct error *err)
{
    char public_key[CURVE_KEY_SIZE], secret_key[CURVE_KEY_SIZE];

    do {
        if (zmq_curve_keypair(public_key, secret_key) != 0)
            return error_set(err, ERROR_INTERNAL,
                             "cannot make a CURVE key pair: %s; libzmq must be built with CURVE",
                             zmq_strerror(errno));
    } while (public_key[0] == '-'); /* on a command line that would be an option */
    memcpy(pair->public_key, public_key, CURVE_KEY_SIZE);
    pair->secret_key = secret_from_text(secret_key);
    secret_wipe(secret_key, sizeof(secret_key));
    return true;
}

static bool read_or_make_key(const char *path, struct curve_key_pair *key, struct error *err)
{
    AUTO(curve_key_clear) struct curve_key_pair made = { 0 };

    if (access(path, F_OK) != 0 && errno == ENOENT &&
        (!site_key_generate(&made, err) || !curve_key_create(path, &made, err)))
        return false;
    return curve_key_read(path, key, err);
}

static bool set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

static bool set_key(void *socket, int option, const char *key)
{
    return zmq_setsockopt(socket, option, key, CURVE_KEY_SIZE) == 0;
}

static bool set_options(const struct site *site, void *socket)
{
    const int64_t largest = MESSAGE_MAX_BYTES;

    return set_key(socket, ZMQ_CURVE_SERVERKEY, site->public_key) &&
           set_key(socket, ZMQ_CURVE_PUBLICKEY, site->key.public_key) &&
           set_key(socket, ZMQ_CURVE_SECRETKEY, secret_reveal(site->key.secret_key)) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest, sizeof(largest)) == 0 &&
           set_number(socket, ZMQ_IMMEDIATE, 1) /* only an established connection takes messages */ &&
           set_number(socket, ZMQ_LINGER, 0) && set_number(socket, ZMQ_SNDHWM, HIGH_WATER_MARK) &&
           set_number(socket, ZMQ_RCVHWM, HIGH_WATER_MARK) &&
           set_number(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
           set_number(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) && set_number(socket, ZMQ_IPV6, 1);
}

static bool reconnect(struct site *site, struct error *err)
{
    void *socket = zmq_socket(site->context, ZMQ_DEALER);

    if (!socket)
        return error_set(err, ERROR_INTERNAL, "queue: no socket: %s", zmq_strerror(errno));
    if (!set_options(site, socket) || zmq_connect(socket, site->endpoint) != 0) {
        error_set(err, ERROR_INPUT, "site.endpoint: cannot use \"%s\": %s", site->endpoint,
                  zmq_strerror(errno));
        zmq_close(socket);
        return false;
    }
    if (site->socket)
        zmq_close(site->socket);
    site->socket = socket;
    return true;
}

bool site_open(struct site **site, const struct site_settings *settings, struct error *err)
{
    AUTO(site_close) struct site *opening = allocate(sizeof(*opening));

    if (!curve_key_valid(settings->public_key))
        return error_set(err, ERROR_INPUT,
                         "site.public_key is not a key of 40 Z85 characters; take it from 'public' in the "
                         "site server's key file");
    memcpy(opening->public_key, settings->public_key, CURVE_KEY_SIZE);
    opening->endpoint = text_copy(settings->endpoint);
    opening->timeout_ms = settings->timeout_ms;
    if (!read_or_make_key(settings->key_file, &opening->key, err))
        return error_during(err, "queue.key_file");
    opening->context = zmq_ctx_new();
    if (!opening->context)
        return error_set(err, ERROR_INTERNAL, "queue: no context: %s", zmq_strerror(errno));
    if (!reconnect(opening, err))
        return false;
    *site = TAKE(opening);
    return true;
}

void site_close(struct site **site)
{
    struct site *closing = *site;

    if (!closing)
        return;
    if (closing->socket)
        zmq_close(closing->socket);
    if (closing->context)
        zmq_ctx_term(closing->context);
    curve_key_clear(&closing->key);
    text_free(&closing->endpoint);
    free(closing);
    *site = NULL;
}

/* ---- asking ---- */

static bool wait_for(const struct site *site, short events, int64_t until_ms)
{
    int64_t left_ms = until_ms - clock_monotonic_ms();
    zmq_pollitem_t item = { .socket = site->socket, .events = events };

    return zmq_poll(&item, 1, left_ms > 0 ? (long)left_ms : 0) > 0;
}

/* A message that may hold a token: its bytes are wiped. */
static bool send(const struct site *site, const struct message *question)
{
    struct bytes bytes = { 0 };
    bool sent;

    message_write(question, &bytes);
    sent = zmq_send(site->socket, bytes.data, bytes.length, ZMQ_DONTWAIT) >= 0;
    message_bytes_free(&bytes);
    return sent;
}

static void skip_further_frames(void *socket, zmq_msg_t *frame)
{
    while (zmq_msg_more(frame) && zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) >= 0)
        continue;
}

/* What cannot be read is as if it had not come. */
static bool receive(const struct site *site, struct message *message, struct error *err)
{
    struct envelope envelope = { 0 };
    zmq_msg_t frame;
    bool received = false;

    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, site->socket, ZMQ_DONTWAIT) >= 0) {
        received = envelope_read(zmq_msg_data(&frame), zmq_msg_size(&frame), &envelope, err) &&
                   message_read(&envelope, message, err);
        envelope_free(&envelope);
        skip_further_frames(site->socket, &frame);
    }
    zmq_msg_close(&frame);
    return received;
}

/* False with *err untouched when the time is up. */
static bool receive_answer(const struct site *site, uint64_t correlation, int64_t until_ms,
                           struct message *answer)
{
    while (wait_for(site, ZMQ_POLLIN, until_ms)) {
        struct error unread = { 0 };

        if (!receive(site, answer, &unread))
            continue;
        if (answer->correlation == correlation)
            return true;
        message_free(answer); /* to a question asked before */
    }
    return false;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool answer_is(struct message *answer, enum message_kind wanted, struct error *err)
{
    if (answer->kind == wanted)
        return true;
    if (answer->kind == MESSAGE_REFUSED)
        error_because(err, answer->refused.reason, "the site refuses: %s", answer->refused.text);
    else
        error_set(err, ERROR_PROTOCOL, "the site answered %s instead of %s", message_kind_name(answer->kind),
                  message_kind_name(wanted));
    message_free(answer);
    return false;
}

bool site_ask(struct site *site, const struct message *question, enum message_kind wanted,
              struct message *answer, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + site->timeout_ms;
    struct message asked = *question; /* borrows what it holds */
    bool connected = false;

    asked.correlation = ++site->last_correlation;
    do {
        int64_t until_ms = earlier(clock_monotonic_ms() + ASK_AGAIN_MS, deadline_ms);

        if (wait_for(site, ZMQ_POLLOUT, until_ms) && send(site, &asked)) {
            connected = true;
            if (receive_answer(site, asked.correlation, until_ms, answer))
                return answer_is(answer, wanted, err);
        }
        if (!reconnect(site, err))
            return false;
    } while (clock_monotonic_ms() < deadline_ms);
    return error_because(err, REASON_SITE_UNREACHABLE,
                         connected ? "the site server at %s does not answer %s"
                                   : "no connection to the site server at %s for %s; check site.endpoint, "
                                     "site.public_key and firewalls",
                         site->endpoint, message_kind_name(question->kind));
}
