#include "connection.h"

#include "eoi.h"
#include "http.h"
#include "negotiate.h"
#include "notice.h"
#include "tls.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IDLE_LIMIT_S = 120, SECOND_SETUP_GRACE_MS = 30 };

enum connection_state {
    CONNECTION_READING,
    CONNECTION_REFUSING, /* waits for the client's hello, to answer it with an alert */
    CONNECTION_WORKING,  /* a request is being looked at; more bytes now are pipelining */
    CONNECTION_ANSWERING,
    CONNECTION_STALLED,
    CONNECTION_HELD, /* a request waits at the computer's hold */
};

struct connection {
    struct computer *computer;
    struct bufferevent *bufferevent;
    SSL *session; /* owned by the bufferevent; NULL: plain */
    enum connection_state state;
    bool handshaken;
    bool logged_in;       /* the firmware's login cache: one identity per connection */
    uint32_t acl_version; /* of that login */
    struct identity identity;
    unsigned failed_logins;
    struct http_request request; /* while working */
    bool old_interface;          /* of that request */
    struct text negotiated;      /* for the answer to that request; empty: none */
    struct event *timer;
    struct text dripping; /* what is left of an answer sent byte by byte */
    size_t dripped;
    unsigned drip_ms;
    bool close_after;
    enum after_answer after;
    bool power_fails;       /* after the answer */
    bool resumed;           /* the request has waited before its effect */
    struct answer withheld; /* of a request that waits after its effect */
    struct connection *next;
};

static struct device *device_of(const struct connection *connection)
{
    return connection->computer->device;
}

/* ---- ending ---- */

void connection_cut(struct connection *connection)
{
    struct connection **place = &connection->computer->connections;

    while (*place != connection)
        place = &(*place)->next;
    *place = connection->next;
    if (connection->timer)
        event_free(connection->timer);
    bufferevent_free(connection->bufferevent);
    http_request_release(&connection->request);
    text_release(&connection->dripping);
    text_release(&connection->negotiated);
    answer_release(&connection->withheld);
    free(connection);
}

/* Ends without an answer what a request did; the firmware restarts all the same where it was to. */
static void lose(struct connection *connection)
{
    struct computer *computer = connection->computer;
    enum after_answer after = connection->withheld.after;

    connection_cut(connection);
    if (after == AFTER_RESTART)
        computer_restart(computer);
    else if (after == AFTER_CLOSE)
        computer_close(computer);
}

static void close_politely(struct connection *connection)
{
    if (connection->session && connection->handshaken) {
        SSL_shutdown(connection->session);
        ERR_clear_error();
    }
    connection_cut(connection);
}

static void reset(struct connection *connection)
{
    const struct linger now = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(bufferevent_getfd(connection->bufferevent), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    connection_cut(connection);
}

static void wait_ms(struct connection *connection, unsigned ms, event_callback_fn callback)
{
    struct timeval pause = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    if (connection->timer)
        event_free(connection->timer);
    connection->timer = evtimer_new(connection->computer->simulator->base, callback, connection);
    evtimer_add(connection->timer, &pause);
}

/* ---- answering ---- */

static void read_on(struct connection *connection);

static void answer_sent(struct connection *connection)
{
    struct computer *computer = connection->computer;

    if (connection->power_fails) {
        connection_cut(connection);
        computer_power_cycle(computer);
        return;
    }
    switch (connection->after) {
    case AFTER_RESTART:
        close_politely(connection);
        computer_restart(computer);
        return;
    case AFTER_CLOSE:
        close_politely(connection);
        computer_close(computer);
        return;
    case AFTER_NOTHING:
        break;
    }
    if (connection->close_after) {
        close_politely(connection);
        return;
    }
    connection->state = CONNECTION_READING;
    read_on(connection);
}

static void on_drip(evutil_socket_t socket, short what, void *context)
{
    struct connection *connection = context;

    (void)socket;
    (void)what;
    bufferevent_write(connection->bufferevent, connection->dripping.bytes + connection->dripped++, 1);
    if (connection->dripped < connection->dripping.length)
        wait_ms(connection, connection->drip_ms, on_drip);
    else
        text_release(&connection->dripping);
}

/* Takes the text over. */
static void send_answer(struct connection *connection, struct text *answer)
{
    const struct misbehaviour *drip =
        misbehaviour_due(device_of(connection)->misbehaviours, MISBEHAVIOUR_DRIP, NULL);

    connection->state = CONNECTION_ANSWERING;
    http_request_release(&connection->request);
    text_release(&connection->negotiated);
    if (drip) {
        connection->dripping = *answer;
        connection->dripped = 0;
        connection->drip_ms = drip->value;
        *answer = (struct text){ 0 };
        wait_ms(connection, connection->drip_ms, on_drip);
        return;
    }
    bufferevent_write(connection->bufferevent, answer->bytes, answer->length);
    text_release(answer);
}

static const char *banner(const struct device *device)
{
    static char text[80];

    if (device->switches.short_banner)
        return "AMT";
    snprintf(text, sizeof(text), "Intel(R) Active Management Technology %s", device->generation->firmware);
    return text;
}

static struct http_head head_for(struct connection *connection, unsigned status)
{
    const struct device *device = device_of(connection);

    connection->close_after |= status != 200 || connection->request.close;
    return (struct http_head){ .status = status,
                               .server = banner(device),
                               .close = connection->close_after,
                               .negotiated = connection->negotiated.bytes,
                               .frame_options = device->generation->recent_properties };
}

static void answer_html(struct connection *connection, unsigned status, const char *extra, const char *body)
{
    struct http_head head = head_for(connection, status);
    struct text answer = { 0 };

    http_answer_html(&answer, &head, extra, body);
    send_answer(connection, &answer);
}

static void answer_bad_request(struct connection *connection)
{
    answer_html(connection, 400, "",
                "<html><head><title>Bad Request</title></head><body><h1>Bad Request</h1>"
                "<p>Missing required parameter.</p></body></html>");
}

static const char *offered_qop(const struct device *device)
{
    if (!device->generation->offers_auth_int)
        return "auth";
    return device->plain_digest_allowed ? "auth,auth-int" : "auth-int";
}

/* The header's form, without blanks after the later commas and with a quoted stale, is that of recorded
 * answers. */
static void answer_unauthorized(struct connection *connection, bool stale)
{
    struct device *device = device_of(connection);
    struct text extra = { 0 };

    text_format(&extra, "WWW-Authenticate: Digest realm=\"%s\", nonce=\"%s\",stale=\"%s\",qop=\"%s\"\r\n",
                device->realm, login_challenge(&device->login, monotonic_s()),
                stale && device->switches.stale_shown ? "true" : "false", offered_qop(device));
    if (negotiate_offered(device))
        text_append(&extra, "WWW-Authenticate: Negotiate\r\n");
    answer_html(
        connection, 401, extra.bytes,
        "<html><head><title>Unauthorized</title></head><body><h1>Log on failed.</h1><p>Log on failed. "
        "Incorrect user name or password, or user account temporarily locked.</p></body></html>");
    text_release(&extra);
}

static void spoil(struct device *device, const char *operation, struct text *body)
{
    const struct misbehaviour *huge =
        misbehaviour_due(device->misbehaviours, MISBEHAVIOUR_HUGE_REPLY, operation);
    struct text spoiled = { 0 };
    size_t tail = strlen("</a:Envelope>");
    char filling[4096];

    memset(filling, 'x', sizeof(filling));
    if (huge && body->length > tail) {
        text_append_bytes(&spoiled, body->bytes, body->length - tail);
        text_append(&spoiled, "<a:Padding>");
        for (uint32_t left = huge->value; left; left -= left < sizeof(filling) ? left : sizeof(filling))
            text_append_bytes(&spoiled, filling, left < sizeof(filling) ? left : sizeof(filling));
        text_append(&spoiled, "</a:Padding></a:Envelope>");
        text_release(body);
        *body = spoiled;
    }
    if (misbehaviour_due(device->misbehaviours, MISBEHAVIOUR_MALFORMED_XML, operation)) {
        body->length = body->length * 2 / 3;
        text_append(body, "</a:Bode><a:Envelope & ");
    }
}

static void send_soap(struct connection *connection, struct answer *answer)
{
    struct http_head head = head_for(connection, answer->status);
    struct text bytes = { 0 };

    head.soap_1_1 = connection->old_interface;
    connection->after = answer->after;
    http_answer_soap(&bytes, &head, &answer->body);
    send_answer(connection, &bytes);
}

/* ---- login ---- */

static void count_failed_login(struct connection *connection)
{
    struct counters *counters = &device_of(connection)->counters;

    counters->failed_logins++;
    if (++connection->failed_logins > counters->failed_logins_in_connection_max)
        counters->failed_logins_in_connection_max = connection->failed_logins;
    if (++counters->failed_logins_in_contact > counters->failed_logins_in_contact_max)
        counters->failed_logins_in_contact_max = counters->failed_logins_in_contact;
}

static struct acl_entry *network_user(struct device *device, const char *name)
{
    for (size_t i = 0; i < device->acl_count; i++) {
        struct acl_entry *entry = &device->acl[i];

        if (*entry->user && !strcmp(entry->user, name))
            return entry->enabled && entry->access && entry->user[0] != '$' ? entry : NULL;
    }
    return NULL;
}

static void log_in(struct connection *connection, const struct identity *identity)
{
    struct device *device = device_of(connection);

    connection->identity = *identity;
    connection->logged_in = connection->session && device->generation->session_cached;
    connection->acl_version = device->acl_version;
}

/* Answers itself unless the request may go on. */
static bool check_digest(struct connection *connection)
{
    struct device *device = device_of(connection);
    const struct http_request *request = &connection->request;
    const struct login_attempt attempt = {
        .realm = device->realm,
        .method = request->method,
        .path = request->path,
        .body = text_value(&request->body),
        .body_length = request->body.length,
        .integrity_allowed = device->generation->offers_auth_int,
        .plain_allowed = !device->generation->offers_auth_int || device->plain_digest_allowed,
        .limits = device->switches.nonce,
        .now = monotonic_s(),
    };
    struct digest_credentials credentials = { 0 };
    struct identity identity = { 0 };
    const struct acl_entry *entry;
    const unsigned char *a1;
    struct error err = { 0 };
    bool admin;

    if (!digest_parse(request->authorization, &credentials, &err)) {
        count_failed_login(connection);
        answer_unauthorized(connection, false);
        return false;
    }
    admin = !strcmp(credentials.username, device->admin_user);
    entry = admin ? NULL : network_user(device, credentials.username);
    a1 = admin ? device->admin_a1 : entry ? entry->a1 : NULL;
    switch (login_check(&device->login, &attempt, &credentials, a1)) {
    case LOGIN_ACCEPTED:
        identity = (struct identity){ .administrator = admin, .realms = admin ? 0 : entry->realms };
        snprintf(identity.user, sizeof(identity.user), "%s", credentials.username);
        log_in(connection, &identity);
        return true;
    case LOGIN_STALE:
        device->counters.stale_logins++;
        answer_unauthorized(connection, true);
        return false;
    case LOGIN_WRONG:
        count_failed_login(connection);
        break;
    case LOGIN_LOCKED:
        device->counters.locked_logins++;
        break;
    }
    answer_unauthorized(connection, false);
    return false;
}

/* The same for a user of the directory. A ticket that is refused does not lock: it is no guess at a password.
 */
static bool check_ticket(struct connection *connection)
{
    struct device *device = device_of(connection);
    struct identity identity;
    struct error err = { 0 };

    if (negotiate_login(device, connection->request.authorization, connection->session != NULL, &identity,
                        &connection->negotiated, &err)) {
        device->counters.kerberos_logins++;
        log_in(connection, &identity);
        return true;
    }
    device->counters.kerberos_failures++;
    count_failed_login(connection);
    answer_unauthorized(connection, false);
    return false;
}

static bool check_login(struct connection *connection)
{
    struct device *device = device_of(connection);

    if (misbehaviour_due(device->misbehaviours, MISBEHAVIOUR_REFUSE_LOGIN, NULL)) {
        answer_unauthorized(connection, false);
        return false;
    }
    if (connection->session && device->state == STATE_IN && !device_challenges(device)) {
        connection->identity = (struct identity){ .user = "admin", .administrator = true };
        return true;
    }
    if (connection->logged_in && connection->acl_version != device->acl_version)
        connection->logged_in = false;
    if (connection->request.authorization)
        return negotiate_is(connection->request.authorization) ? check_ticket(connection)
                                                               : check_digest(connection);
    if (connection->logged_in)
        return true;
    answer_unauthorized(connection, false);
    return false;
}

/* ---- working ---- */

/* One request of either interface. */
struct message {
    const struct request *wsman; /* NULL: of the old interface */
    const struct eoi_request *eoi;
    char operation[OPERATION_ROOM];
};

static void pretend_fault(struct device *device, const struct message *message, const char *subcode,
                          struct answer *answer)
{
    struct fault fault = { .kind = fault_find(subcode) };

    if (message->eoi) {
        eoi_pretend_fault(device, subcode, answer);
        return;
    }
    if (fault.kind == FAULT_NONE)
        fault.kind = FAULT_INTERNAL_ERROR;
    wsman_pretend_fault(device, message->wsman, &fault, answer);
}

/* Says no with the words of the request's body. */
static void pretend_echo(const struct connection *connection, const struct message *message,
                         struct answer *answer)
{
    struct fault fault = { .kind = FAULT_INTERNAL_ERROR };
    AUTO(free_text) char *words = node_text(message->eoi ? message->eoi->body : message->wsman->body);

    if (message->eoi) {
        eoi_pretend_fault(device_of(connection), words, answer);
        return;
    }
    fault.reason = words;
    wsman_pretend_fault(device_of(connection), message->wsman, &fault, answer);
}

static void pretend_return(struct device *device, const struct message *message, uint32_t value,
                           struct answer *answer)
{
    if (message->eoi)
        eoi_pretend_status(device, message->eoi, value, answer);
    else
        wsman_pretend_return(device, message->wsman, value, answer);
}

/* Does what a misbehaviour wants instead of the request; false: nothing, go on. */
static bool misbehave_instead(struct connection *connection, const struct message *message)
{
    struct device *device = device_of(connection);
    struct misbehaviour *list = device->misbehaviours;
    const char *operation = message->operation;
    const struct misbehaviour *due;
    struct answer answer = { 0 };
    struct text garbage = { 0 };

    if (misbehaviour_due(list, MISBEHAVIOUR_RESET, operation)) {
        reset(connection);
    } else if (misbehaviour_due(list, MISBEHAVIOUR_DROP_BEFORE, operation)) {
        connection_cut(connection);
    } else if (misbehaviour_due(list, MISBEHAVIOUR_STALL, operation)) {
        connection->state = CONNECTION_STALLED;
        bufferevent_set_timeouts(connection->bufferevent, NULL, NULL);
    } else if (misbehaviour_due(list, MISBEHAVIOUR_GARBAGE, operation)) {
        for (unsigned i = 0; i < 512; i++)
            text_append_bytes(&garbage, &(char){ (char)(i * 7 + 13) }, 1);
        connection->close_after = true;
        send_answer(connection, &garbage);
    } else if (misbehaviour_due(list, MISBEHAVIOUR_EXPIRE_NONCE, operation)) {
        login_forget_nonces(&device->login);
        device_acl_changed(device);
        answer_unauthorized(connection, true);
    } else if ((due = misbehaviour_due(list, MISBEHAVIOUR_FAULT, operation))) {
        pretend_fault(device, message, due->subcode, &answer);
        send_soap(connection, &answer);
        answer_release(&answer);
    } else if (misbehaviour_due(list, MISBEHAVIOUR_ECHO, operation)) {
        pretend_echo(connection, message, &answer);
        send_soap(connection, &answer);
        answer_release(&answer);
    } else if ((due = misbehaviour_due(list, MISBEHAVIOUR_RETURN, operation))) {
        pretend_return(device, message, due->value, &answer);
        send_soap(connection, &answer);
        answer_release(&answer);
    } else {
        return false;
    }
    return true;
}

/* Stops here until the control socket says go on. */
static void hold(struct connection *connection, enum hold_phase phase, const char *operation)
{
    connection->state = CONNECTION_HELD;
    bufferevent_set_timeouts(connection->bufferevent, NULL, NULL);
    notice_held(connection->computer->simulator, device_of(connection), phase, operation);
}

/* Counts the request, once; false: it waits. */
static bool may_begin(struct connection *connection, const struct message *message)
{
    struct device *device = device_of(connection);

    if (connection->resumed) {
        connection->resumed = false;
        return true;
    }
    misbehaviour_count_request(device->misbehaviours);
    device->hold.seen++;
    if (!hold_due(&device->hold, HOLD_BEFORE))
        return true;
    hold(connection, HOLD_BEFORE, message->operation);
    return false;
}

static void execute(struct connection *connection, const struct message *message)
{
    struct device *device = device_of(connection);
    struct answer answer;

    if (message->eoi)
        eoi_execute(device, &connection->identity, message->eoi, &answer);
    else
        wsman_execute(device, &connection->identity, message->wsman, &answer);
    if (hold_due(&device->hold, HOLD_AFTER)) {
        connection->withheld = answer;
        hold(connection, HOLD_AFTER, message->operation);
        return;
    }
    if (misbehaviour_due(device->misbehaviours, MISBEHAVIOUR_DROP_AFTER, message->operation) ||
        (answer.after == AFTER_RESTART && device->switches.cut_before_answer)) {
        connection->withheld = answer;
        lose(connection);
        return;
    }
    spoil(device, message->operation, &answer.body);
    send_soap(connection, &answer);
    answer_release(&answer);
}

static void handle_soap(struct connection *connection)
{
    const struct http_request *http = &connection->request;
    struct message message = { 0 };
    struct request request;
    struct error err = { 0 };

    if (!request_parse(text_value(&http->body), http->body.length, &request, &err)) {
        answer_bad_request(connection);
        return;
    }
    message.wsman = &request;
    wsman_operation(&request, message.operation);
    if (may_begin(connection, &message) && !misbehave_instead(connection, &message))
        execute(connection, &message);
    request_release(&request);
}

static void answer_missing(struct connection *connection)
{
    answer_html(connection, 404, "", "<html><body><h1>Not Found</h1></body></html>");
}

static void handle_service(struct connection *connection, const struct service *service)
{
    const struct http_request *http = &connection->request;
    struct message message = { 0 };
    struct eoi_request request;

    if (!identity_may(&connection->identity, service->realms)) {
        answer_html(connection, 403, "", "<html><body><h1>Forbidden</h1></body></html>");
        return;
    }
    connection->old_interface = true;
    eoi_parse(service, text_value(&http->body), http->body.length, &request);
    message.eoi = &request;
    eoi_operation(&request, message.operation);
    if (may_begin(connection, &message)) {
        eoi_count(device_of(connection), &request);
        if (!misbehave_instead(connection, &message))
            execute(connection, &message);
    }
    eoi_request_release(&request);
}

static void work(struct connection *connection, const struct service *service)
{
    connection->old_interface = false;
    if (service)
        handle_service(connection, service);
    else
        handle_soap(connection);
}

static bool path_is_wsman(const struct connection *connection)
{
    return !strcmp(connection->request.path, "/wsman");
}

/* Whether this computer, in its present state, has nothing at the path. */
static bool path_missing(const struct connection *connection, const struct service *service)
{
    const struct device *device = device_of(connection);

    if (service)
        return !eoi_served(device);
    if (path_is_wsman(connection))
        return device->generation->eoi && device->state == STATE_IN && !device->switches.wsman_in_setup;
    return device->generation->unknown_path_missing;
}

static void handle_post(struct connection *connection, const struct service *service)
{
    if (path_missing(connection, service))
        answer_missing(connection);
    else if (!service && !path_is_wsman(connection))
        answer_bad_request(connection);
    else if (check_login(connection)) /* before the body is looked at */
        work(connection, service);
}

static void handle(struct connection *connection)
{
    const struct service *service = service_find(connection->request.path);
    bool post = !strcmp(connection->request.method, "POST");

    if (post)
        handle_post(connection, service);
    else if (service && eoi_served(device_of(connection)))
        answer_html(connection, 405, "Allow: POST\r\n",
                    "<html><body><h1>Method Not Allowed</h1></body></html>");
    else
        answer_missing(connection);
}

static void on_latency_over(evutil_socket_t socket, short what, void *context)
{
    (void)socket;
    (void)what;
    handle(context);
}

static void begin(struct connection *connection)
{
    struct device *device = device_of(connection);
    const struct misbehaviour *slow = misbehaviour_due(device->misbehaviours, MISBEHAVIOUR_SLOW, NULL);
    unsigned delay_ms = connection->computer->simulator->options.latency_ms + (slow ? slow->value : 0);

    device->counters.requests++;
    connection->state = CONNECTION_WORKING;
    if (delay_ms)
        wait_ms(connection, delay_ms, on_latency_over);
    else
        handle(connection);
}

/* ---- events ---- */

static void read_on(struct connection *connection)
{
    struct evbuffer *input = bufferevent_get_input(connection->bufferevent);
    size_t length = evbuffer_get_length(input), used = 0;
    const char *bytes = length ? (const char *)evbuffer_pullup(input, -1) : "";
    struct error err = { 0 };

    switch (length ? http_request_read(bytes, length, &connection->request, &used, &err) : HTTP_INCOMPLETE) {
    case HTTP_INCOMPLETE:
        return;
    case HTTP_BROKEN:
        evbuffer_drain(input, length);
        answer_bad_request(connection);
        return;
    case HTTP_COMPLETE:
        evbuffer_drain(input, used);
        if (length > used) /* pipelined: the firmware takes one request at a time */
            connection_cut(connection);
        else
            begin(connection);
    }
}

static void on_read(struct bufferevent *bufferevent, void *context)
{
    static const unsigned char handshake_failure[] = { 0x15, 3, 1, 0, 2, 2, 40 };
    struct connection *connection = context;

    switch (connection->state) {
    case CONNECTION_READING:
        read_on(connection);
        break;
    case CONNECTION_REFUSING:
        evbuffer_drain(bufferevent_get_input(bufferevent), SIZE_MAX);
        connection->close_after = true;
        connection->state = CONNECTION_ANSWERING;
        bufferevent_write(bufferevent, handshake_failure, sizeof(handshake_failure));
        break;
    case CONNECTION_WORKING:
    case CONNECTION_ANSWERING:
        connection_cut(connection);
        break;
    case CONNECTION_HELD:
        lose(connection);
        break;
    case CONNECTION_STALLED:
        break;
    }
}

static void on_written(struct bufferevent *bufferevent, void *context)
{
    struct connection *connection = context;
    bool all = !evbuffer_get_length(bufferevent_get_output(bufferevent)); /* not of before the answer */

    if (connection->state == CONNECTION_ANSWERING && !connection->dripping.bytes && all)
        answer_sent(connection);
}

static void on_event(struct bufferevent *bufferevent, short what, void *context)
{
    struct connection *connection = context;
    struct counters *counters = &device_of(connection)->counters;

    (void)bufferevent;
    if (what & BEV_EVENT_CONNECTED) {
        connection->handshaken = true;
        counters->tls_accepted++;
        counters->tls_resumed += SSL_session_reused(connection->session) == 1;
        return;
    }
    if (connection->session && !connection->handshaken)
        counters->tls_failed++;
    ERR_clear_error();
    lose(connection);
}

static void open_connection(struct computer *computer, evutil_socket_t socket, bool tls)
{
    struct event_base *base = computer->simulator->base;
    struct timeval limit = { .tv_sec = IDLE_LIMIT_S };
    struct connection *connection;
    struct error err = { 0 };
    SSL *session = NULL;
    bool refuse = tls && misbehaviour_due(computer->device->misbehaviours, MISBEHAVIOUR_REFUSE_TLS, NULL);

    if (tls && !refuse) {
        session = tls_session(computer->device, &err);
        if (!session) {
            fprintf(stderr, "amt-simulator: %s\n", err.message);
            close(socket);
            return;
        }
    }
    connection = allocate(sizeof(*connection));
    connection->computer = computer;
    connection->session = session;
    connection->state = refuse ? CONNECTION_REFUSING : CONNECTION_READING;
    connection->bufferevent =
        session ? bufferevent_openssl_socket_new(base, socket, session, BUFFEREVENT_SSL_ACCEPTING,
                                                 BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS)
                : bufferevent_socket_new(base, socket, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    connection->next = computer->connections;
    computer->connections = connection;
    if (session)
        bufferevent_openssl_set_allow_dirty_shutdown(connection->bufferevent, 1);
    bufferevent_setcb(connection->bufferevent, on_read, on_written, on_event, connection);
    bufferevent_set_timeouts(connection->bufferevent, &limit, &limit);
    bufferevent_enable(connection->bufferevent, EV_READ | EV_WRITE);
}

/* ---- held requests ---- */

static void resume(struct connection *connection)
{
    const struct timeval limit = { .tv_sec = IDLE_LIMIT_S };
    struct answer answer = connection->withheld;

    bufferevent_set_timeouts(connection->bufferevent, &limit, &limit);
    if (answer.status) {
        connection->withheld = (struct answer){ 0 };
        send_soap(connection, &answer);
        answer_release(&answer);
        return;
    }
    connection->resumed = true;
    connection->state = CONNECTION_WORKING;
    work(connection, service_find(connection->request.path));
}

static struct connection *held(const struct computer *computer)
{
    struct connection *connection = computer->connections;

    while (connection && connection->state != CONNECTION_HELD)
        connection = connection->next;
    return connection;
}

void connections_release(struct computer *computer)
{
    struct connection *connection;

    while ((connection = held(computer)))
        resume(connection);
}

void connections_answer(struct computer *computer, enum parting parting)
{
    struct connection *connection;

    while ((connection = held(computer))) {
        connection->power_fails = parting == PARTING_POWER_LOSS;
        resume(connection);
        if (parting == PARTING_DROP)
            connection->close_after = true; /* not announced in the answer's head */
    }
}

void connections_lose_held(struct computer *computer)
{
    struct connection *connection;

    while ((connection = held(computer)))
        lose(connection);
}

void connections_drop(struct computer *computer)
{
    struct connection *each = computer->connections, *next;

    for (; each; each = next) {
        next = each->next;
        if (each->state != CONNECTION_HELD) /* which may restart the computer, and end all of them */
            connection_cut(each);
    }
    connections_lose_held(computer);
}

void connections_freeze(struct computer *computer, bool frozen)
{
    for (struct connection *each = computer->connections; each; each = each->next) {
        if (frozen)
            bufferevent_disable(each->bufferevent, EV_READ | EV_WRITE);
        else
            bufferevent_enable(each->bufferevent, EV_READ | EV_WRITE);
    }
}

struct waiting {
    struct computer *computer;
    evutil_socket_t socket;
};

static void on_grace_over(evutil_socket_t unused, short what, void *context)
{
    struct waiting *waiting = context;

    (void)unused;
    (void)what;
    if (waiting->computer->connections || !waiting->computer->tls_listener) {
        waiting->computer->device->counters.refused_connections++;
        close(waiting->socket);
    } else {
        open_connection(waiting->computer, waiting->socket, true);
    }
    free(waiting);
}

void connection_accept(struct computer *computer, evutil_socket_t socket, bool tls)
{
    const struct timeval grace = { .tv_usec = SECOND_SETUP_GRACE_MS * 1000 };
    struct waiting *waiting;

    computer->device->counters.connections++;
    if (!tls || !computer->connections || computer->device->state != STATE_IN ||
        !computer->device->switches.one_setup_connection) {
        open_connection(computer, socket, tls);
        return;
    }
    /* The end of the first connection may be waiting in the same turn of the event loop. */
    waiting = allocate(sizeof(*waiting));
    *waiting = (struct waiting){ computer, socket };
    event_base_once(computer->simulator->base, -1, EV_TIMEOUT, on_grace_over, waiting, &grace);
}
