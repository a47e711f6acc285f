#include "connection_parts.h"

#include "notice.h"

void connection_hold(struct connection *connection, enum hold_phase phase, const char *operation)
{
    connection->state = CONNECTION_HELD;
    bufferevent_set_timeouts(connection->bufferevent, NULL, NULL);
    notice_held(connection->computer->simulator, device_of(connection), phase, operation);
}

static void resume(struct connection *connection)
{
    const struct timeval limit = { .tv_sec = IDLE_LIMIT_S };
    struct answer answer = connection->withheld;

    bufferevent_set_timeouts(connection->bufferevent, &limit, &limit);
    if (answer.status) {
        connection->withheld = (struct answer){ 0 };
        connection_answer_soap(connection, &answer);
        answer_release(&answer);
        return;
    }
    connection->resumed = true;
    connection->state = CONNECTION_WORKING;
    connection_work(connection, service_find(connection->request.path));
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
        connection_lose(connection);
}
