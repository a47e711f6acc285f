#include "connection_parts.h"

#include "eoi.h"

#include <string.h>

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
        connection_reset(connection);
    } else if (misbehaviour_due(list, MISBEHAVIOUR_DROP_BEFORE, operation)) {
        connection_cut(connection);
    } else if (misbehaviour_due(list, MISBEHAVIOUR_STALL, operation)) {
        connection->state = CONNECTION_STALLED;
        bufferevent_set_timeouts(connection->bufferevent, NULL, NULL);
    } else if (misbehaviour_due(list, MISBEHAVIOUR_GARBAGE, operation)) {
        for (unsigned i = 0; i < 512; i++)
            text_append_bytes(&garbage, &(char){ (char)(i * 7 + 13) }, 1);
        connection->close_after = true;
        connection_send(connection, &garbage);
    } else if (misbehaviour_due(list, MISBEHAVIOUR_EXPIRE_NONCE, operation)) {
        login_forget_nonces(&device->login);
        device_acl_changed(device);
        connection_answer_unauthorized(connection, true);
    } else if ((due = misbehaviour_due(list, MISBEHAVIOUR_FAULT, operation))) {
        pretend_fault(device, message, due->subcode, &answer);
        connection_answer_soap(connection, &answer);
        answer_release(&answer);
    } else if (misbehaviour_due(list, MISBEHAVIOUR_ECHO, operation)) {
        pretend_echo(connection, message, &answer);
        connection_answer_soap(connection, &answer);
        answer_release(&answer);
    } else if ((due = misbehaviour_due(list, MISBEHAVIOUR_RETURN, operation))) {
        pretend_return(device, message, due->value, &answer);
        connection_answer_soap(connection, &answer);
        answer_release(&answer);
    } else {
        return false;
    }
    return true;
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
    connection_hold(connection, HOLD_BEFORE, message->operation);
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
        connection_hold(connection, HOLD_AFTER, message->operation);
        return;
    }
    if (misbehaviour_due(device->misbehaviours, MISBEHAVIOUR_DROP_AFTER, message->operation) ||
        (answer.after == AFTER_RESTART && device->switches.cut_before_answer)) {
        connection->withheld = answer;
        connection_lose(connection);
        return;
    }
    spoil(device, message->operation, &answer.body);
    connection_answer_soap(connection, &answer);
    answer_release(&answer);
}

static void handle_soap(struct connection *connection)
{
    const struct http_request *http = &connection->request;
    struct message message = { 0 };
    struct request request;
    struct error err = { 0 };

    if (!request_parse(text_value(&http->body), http->body.length, &request, &err)) {
        connection_answer_bad_request(connection);
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
    connection_answer_html(connection, 404, "", "<html><body><h1>Not Found</h1></body></html>");
}

static void handle_service(struct connection *connection, const struct service *service)
{
    const struct http_request *http = &connection->request;
    struct message message = { 0 };
    struct eoi_request request;

    if (!identity_may(&connection->identity, service->realms)) {
        connection_answer_html(connection, 403, "", "<html><body><h1>Forbidden</h1></body></html>");
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

void connection_work(struct connection *connection, const struct service *service)
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
        connection_answer_bad_request(connection);
    else if (connection_check_login(connection)) /* before the body is looked at */
        connection_work(connection, service);
}

static void handle(struct connection *connection)
{
    const struct service *service = service_find(connection->request.path);
    bool post = !strcmp(connection->request.method, "POST");

    if (post)
        handle_post(connection, service);
    else if (service && eoi_served(device_of(connection)))
        connection_answer_html(connection, 405, "Allow: POST\r\n",
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

void connection_begin(struct connection *connection)
{
    struct device *device = device_of(connection);
    const struct misbehaviour *slow = misbehaviour_due(device->misbehaviours, MISBEHAVIOUR_SLOW, NULL);
    unsigned delay_ms = connection->computer->simulator->options.latency_ms + (slow ? slow->value : 0);

    device->counters.requests++;
    connection->state = CONNECTION_WORKING;
    if (delay_ms)
        connection_wait_ms(connection, delay_ms, on_latency_over);
    else
        handle(connection);
}
