/*
 * mailbox.h - how session threads talk to the main thread: finished messages for the site, in order.
 *
 * Any thread posts, the main thread takes; mailbox_fd() is readable when something is there.
 */
#ifndef WORK_MAILBOX_H
#define WORK_MAILBOX_H

#include "common/message.h"

struct mailbox;

bool mailbox_open(struct mailbox **mailbox, struct error *err) MUST_CHECK;
void mailbox_close(struct mailbox **mailbox); /* when no thread posts any more */
int mailbox_fd(const struct mailbox *mailbox);
/* Takes the message over and leaves it zeroed. */
void mailbox_post(struct mailbox *mailbox, struct message *message);
/* False: empty. The caller ends the message with message_free(). */
bool mailbox_take(struct mailbox *mailbox, struct message *message) MUST_CHECK;

#endif
