#include "connection_parts.h"
#include "negotiate.h"

#include <stdio.h>

static void on_drip(evutil_socket_t socket, short what, void *context)
{
    struct connection *connection = context;

    (void)socket;
    (void)what;
    bufferevent_write(connection->bufferevent, connection->dripping.bytes + connection->dripped++, 1);
    if (connection->dripped < connection->dripping.length)
        connection_wait_ms(connection, connection->drip_ms, on_drip);
    else
        text_release(&connection->dripping);
}

/* Takes the text over. */
void connection_send(struct connection *connection, struct text *answer)
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
        connection_wait_ms(connection, connection->drip_ms, on_drip);
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

void connection_answer_html(struct connection *connection, unsigned status, const char *extra,
                            const char *body)
{
    struct http_head head = head_for(connection, status);
    struct text answer = { 0 };

    http_answer_html(&answer, &head, extra, body);
    connection_send(connection, &answer);
}

void connection_answer_bad_request(struct connection *connection)
{
    connection_answer_html(connection, 400, "",
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
void connection_answer_unauthorized(struct connection *connection, bool stale)
{
    struct device *device = device_of(connection);
    struct text extra = { 0 };

    text_format(&extra, "WWW-Authenticate: Digest realm=\"%s\", nonce=\"%s\",stale=\"%s\",qop=\"%s\"\r\n",
                device->realm, login_challenge(&device->login, monotonic_s()),
                stale && device->switches.stale_shown ? "true" : "false", offered_qop(device));
    if (negotiate_offered(device))
        text_append(&extra, "WWW-Authenticate: Negotiate\r\n");
    connection_answer_html(
        connection, 401, extra.bytes,
        "<html><head><title>Unauthorized</title></head><body><h1>Log on failed.</h1><p>Log on failed. "
        "Incorrect user name or password, or user account temporarily locked.</p></body></html>");
    text_release(&extra);
}

void connection_answer_soap(struct connection *connection, struct answer *answer)
{
    struct http_head head = head_for(connection, answer->status);
    struct text bytes = { 0 };

    head.soap_1_1 = connection->old_interface;
    connection->after = answer->after;
    http_answer_soap(&bytes, &head, &answer->body);
    connection_send(connection, &bytes);
}
