#include "notice.h"

#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct subscriber {
    struct bufferevent *bufferevent;
    struct subscriber *next;
};

void notice_subscribe(struct simulator *simulator, struct bufferevent *bufferevent)
{
    struct subscriber *subscriber;

    notice_unsubscribe(simulator, bufferevent);
    subscriber = allocate(sizeof(*subscriber));
    subscriber->bufferevent = bufferevent;
    subscriber->next = simulator->subscribers;
    simulator->subscribers = subscriber;
}

void notice_unsubscribe(struct simulator *simulator, const struct bufferevent *bufferevent)
{
    struct subscriber **place = &simulator->subscribers, *gone;

    while (*place && (*place)->bufferevent != bufferevent)
        place = &(*place)->next;
    gone = *place;
    if (!gone)
        return;
    *place = gone->next;
    free(gone);
}

void notice_close(struct simulator *simulator)
{
    while (simulator->subscribers)
        notice_unsubscribe(simulator, simulator->subscribers->bufferevent);
}

void notice_held(struct simulator *simulator, const struct device *device, enum hold_phase phase,
                 const char *operation)
{
    struct text line = { 0 };

    text_format(&line,
                "{\"event\":\"held\",\"computer\":\"%s\",\"request\":%u,\"phase\":\"%s\","
                "\"operation\":\"%s\"}\n",
                device->uuid_text, device->hold.at, hold_phase_name(phase), operation);
    for (const struct subscriber *each = simulator->subscribers; each; each = each->next)
        bufferevent_write(each->bufferevent, line.bytes, line.length);
    text_release(&line);
}
