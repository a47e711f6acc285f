#include "mei_session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum client { CLIENT_NONE, CLIENT_AMT, CLIENT_WATCHDOG };

struct mei_session {
    struct computer *computer;
    enum client client;
    bool gone; /* the engine was reset */
    unsigned char request[PTHI_MESSAGE_MAX], reply[PTHI_MESSAGE_MAX];
    size_t reply_length, reply_taken;
};

static const struct {
    unsigned char guid[MEI_GUID_LENGTH];
    enum client client;
    uint8_t version;
} clients[] = {
    { { 0x28, 0x00, 0xf8, 0x12, 0xb7, 0xb4, 0x2d, 0x4b, 0xac, 0xa8, 0x46, 0xe0, 0xff, 0x65, 0x81, 0x4c },
      CLIENT_AMT,
      1 },
    { { 0x6f, 0x9a, 0xb7, 0x05, 0x28, 0x46, 0x7f, 0x4d, 0x89, 0x9d, 0xa9, 0x15, 0x14, 0xcb, 0x32, 0xab },
      CLIENT_WATCHDOG,
      1 },
};

struct mei_session *mei_session_open(struct computer *computer)
{
    struct mei_session *session = allocate(sizeof(*session));

    session->computer = computer;
    return session;
}

static void leave_client(struct mei_session *session)
{
    if (session->client == CLIENT_AMT)
        session->computer->host_connected = false;
    session->client = CLIENT_NONE;
}

void mei_session_close(struct mei_session **session)
{
    if (!*session)
        return;
    leave_client(*session);
    free(*session);
    *session = NULL;
}

static bool due(const struct mei_session *session, enum misbehaviour_kind kind, const char *operation)
{
    return misbehaviour_due(session->computer->device->misbehaviours, kind, operation);
}

static bool present(const struct device *device, enum client client)
{
    return device->presence == AMT_ON || (device->presence == AMT_SWITCHED_OFF && client == CLIENT_WATCHDOG);
}

int mei_session_connect(struct mei_session *session, const unsigned char guid[MEI_GUID_LENGTH],
                        uint32_t *message_max, uint8_t *version)
{
    size_t i = 0;

    while (i < LENGTH(clients) && memcmp(clients[i].guid, guid, MEI_GUID_LENGTH) != 0)
        i++;
    if (session->client != CLIENT_NONE)
        return EBUSY;
    if (session->gone || due(session, MISBEHAVIOUR_HOST_RESET, "connect"))
        return ENODEV;
    if (i == LENGTH(clients) || !present(session->computer->device, clients[i].client))
        return ENOTTY;
    if (clients[i].client == CLIENT_AMT &&
        (session->computer->host_connected || due(session, MISBEHAVIOUR_HOST_BUSY, NULL)))
        return EBUSY;
    session->client = clients[i].client;
    if (session->client == CLIENT_AMT)
        session->computer->host_connected = true;
    *message_max = PTHI_MESSAGE_MAX;
    *version = clients[i].version;
    return 0;
}

static void reset(struct mei_session *session)
{
    leave_client(session);
    session->gone = true;
}

static void answer(struct mei_session *session, size_t length)
{
    session->reply_taken = 0;
    session->reply_length = (session->client == CLIENT_AMT ? pthi_answer : watchdog_answer)(
        session->computer, session->request, length, session->reply);
}

int mei_session_write(struct mei_session *session, const void *bytes, size_t length)
{
    const char *operation;

    if (session->gone || session->client == CLIENT_NONE)
        return ENODEV;
    if (length > sizeof(session->request))
        return EFBIG;
    memcpy(session->request, bytes, length);
    operation = session->client == CLIENT_AMT ? pthi_operation(session->request, length) : "watchdog";
    if (due(session, MISBEHAVIOUR_HOST_RESET, operation)) {
        reset(session);
        return ENODEV;
    }
    session->reply_length = 0;
    if (due(session, MISBEHAVIOUR_HOST_STALL, operation))
        return 0;
    answer(session, length);
    if (due(session, MISBEHAVIOUR_HOST_RESET_AFTER, operation))
        reset(session);
    else if (due(session, MISBEHAVIOUR_HOST_GARBAGE, operation))
        session->reply_length /= 2; /* the header announces more */
    memset(session->request, 0, sizeof(session->request));
    return 0;
}

int mei_session_read(struct mei_session *session, const unsigned char **bytes, size_t *length)
{
    if (session->gone || session->client == CLIENT_NONE)
        return ENODEV;
    if (session->reply_taken == session->reply_length)
        return EAGAIN;
    *bytes = session->reply + session->reply_taken;
    *length = session->reply_length - session->reply_taken;
    return 0;
}

void mei_session_taken(struct mei_session *session, size_t length)
{
    session->reply_taken += length;
}

unsigned mei_session_events(const struct mei_session *session)
{
    if (session->gone || session->client == CLIENT_NONE)
        return POLLERR;
    return POLLOUT | (session->reply_taken < session->reply_length ? POLLIN : 0);
}
