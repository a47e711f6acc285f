#include "connection_parts.h"
#include "negotiate.h"

#include <stdio.h>
#include <string.h>

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
        connection_answer_unauthorized(connection, false);
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
        connection_answer_unauthorized(connection, true);
        return false;
    case LOGIN_WRONG:
        count_failed_login(connection);
        break;
    case LOGIN_LOCKED:
        device->counters.locked_logins++;
        break;
    }
    connection_answer_unauthorized(connection, false);
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
    connection_answer_unauthorized(connection, false);
    return false;
}

bool connection_check_login(struct connection *connection)
{
    struct device *device = device_of(connection);

    if (misbehaviour_due(device->misbehaviours, MISBEHAVIOUR_REFUSE_LOGIN, NULL)) {
        connection_answer_unauthorized(connection, false);
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
    connection_answer_unauthorized(connection, false);
    return false;
}
