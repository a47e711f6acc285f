#include "queue/registration.h"

#include <string.h>

#define ANSWER_MS         5000 /* for the WELCOME */
#define UNCONNECTED_MS    5000 /* a refused key leaves a socket that never tries again */
#define SEND_AGAIN_MS     200
#define MOVE_PAUSE_MS     500  /* between two site servers, when none of them is there */
#define REGISTER_PAUSE_MS 1000 /* after being told to register, lest two programs shout at each other */
#define SILENT_HEARTBEATS 3
#define HEARTBEAT_MS      15000 /* until the site says otherwise */

static void connection_begins(struct registration *registration, int64_t now_ms)
{
    registration->connected_ms = now_ms;
    registration->give_up_ms = now_ms + UNCONNECTED_MS;
}

void registration_begin(struct registration *registration, int64_t now_ms)
{
    memset(registration, 0, sizeof(*registration));
    registration->heartbeat_ms = HEARTBEAT_MS;
    registration->next_ms = now_ms;
    connection_begins(registration, now_ms);
}

static enum registration_action reconnect(struct registration *registration, int64_t now_ms)
{
    registration->welcomed = false;
    registration->asked_ms = 0;
    registration->next_ms = now_ms;
    connection_begins(registration, now_ms);
    return REGISTRATION_RECONNECT;
}

static int64_t silence_ends_ms(const struct registration *registration)
{
    return registration->heard_ms + SILENT_HEARTBEATS * registration->heartbeat_ms;
}

enum registration_action registration_next(struct registration *registration, int64_t now_ms)
{
    if (registration->asked_ms)
        return now_ms - registration->asked_ms >= ANSWER_MS ? reconnect(registration, now_ms)
                                                            : REGISTRATION_NOTHING;
    if (!registration->welcomed) {
        if (now_ms >= registration->give_up_ms)
            return reconnect(registration, now_ms);
        return now_ms >= registration->next_ms ? REGISTRATION_REGISTER : REGISTRATION_NOTHING;
    }
    if (now_ms >= silence_ends_ms(registration))
        return REGISTRATION_REGISTER;
    if (now_ms < registration->next_ms)
        return REGISTRATION_NOTHING;
    registration->next_ms = now_ms + registration->heartbeat_ms;
    return REGISTRATION_HEARTBEAT;
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

int64_t registration_due_ms(const struct registration *registration)
{
    if (registration->asked_ms)
        return registration->asked_ms + ANSWER_MS;
    if (!registration->welcomed)
        return earlier(registration->next_ms, registration->give_up_ms);
    return earlier(registration->next_ms, silence_ends_ms(registration));
}

void registration_asked(struct registration *registration, bool sent, int64_t now_ms)
{
    if (sent) {
        registration->asked_ms = now_ms;
        return;
    }
    registration->next_ms = now_ms + SEND_AGAIN_MS;
    if (registration->welcomed) { /* it was a question to a silent site, and the connection is gone */
        registration->welcomed = false;
        registration->give_up_ms = now_ms + UNCONNECTED_MS;
    }
}

void registration_broke(struct registration *registration, int64_t now_ms)
{
    int64_t move_ms = registration->connected_ms + MOVE_PAUSE_MS;

    if (registration->welcomed || registration->asked_ms)
        registration->give_up_ms = now_ms + UNCONNECTED_MS;
    registration->welcomed = false;
    registration->asked_ms = 0;
    registration->next_ms = now_ms + SEND_AGAIN_MS;
    if (registration->several)
        registration->give_up_ms = move_ms > now_ms ? move_ms : now_ms;
}

void registration_moved(struct registration *registration, int64_t now_ms)
{
    reconnect(registration, now_ms);
}

void registration_heard(struct registration *registration, int64_t now_ms)
{
    registration->heard_ms = now_ms;
}

void registration_welcomed(struct registration *registration, uint32_t heartbeat_s, int64_t now_ms)
{
    registration->welcomed = true;
    registration->asked_ms = 0;
    registration->heard_ms = now_ms;
    registration->heartbeat_ms = heartbeat_s ? (int64_t)heartbeat_s * 1000 : HEARTBEAT_MS;
    registration->next_ms = now_ms + registration->heartbeat_ms;
}

void registration_lost(struct registration *registration, int64_t now_ms)
{
    if (!registration->welcomed)
        return;
    registration->welcomed = false;
    registration->asked_ms = 0;
    registration->give_up_ms = now_ms + UNCONNECTED_MS;
    registration->next_ms = now_ms + REGISTER_PAUSE_MS;
}
