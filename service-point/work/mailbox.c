#include "work/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

struct letter {
    STAILQ_ENTRY(letter) next;
    struct message message;
};

struct mailbox {
    int event_fd;
    pthread_mutex_t lock; /* guards letters */
    STAILQ_HEAD(, letter) letters;
};

bool mailbox_open(struct mailbox **mailbox, struct error *err)
{
    struct mailbox *opening = allocate(sizeof(*opening));

    opening->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (opening->event_fd < 0) {
        free(opening);
        return error_set(err, ERROR_INTERNAL, "mailbox: no event descriptor: %s", strerror(errno));
    }
    pthread_mutex_init(&opening->lock, NULL);
    STAILQ_INIT(&opening->letters);
    *mailbox = opening;
    return true;
}

void mailbox_close(struct mailbox **mailbox)
{
    struct mailbox *closing = *mailbox;
    struct message message;

    if (!closing)
        return;
    while (mailbox_take(closing, &message))
        message_free(&message);
    close(closing->event_fd);
    pthread_mutex_destroy(&closing->lock);
    free(closing);
    *mailbox = NULL;
}

int mailbox_fd(const struct mailbox *mailbox)
{
    return mailbox->event_fd;
}

void mailbox_post(struct mailbox *mailbox, struct message *message)
{
    struct letter *letter = allocate(sizeof(*letter));
    const uint64_t one = 1;
    ssize_t written;

    letter->message = *message;
    memset(message, 0, sizeof(*message));
    pthread_mutex_lock(&mailbox->lock);
    STAILQ_INSERT_TAIL(&mailbox->letters, letter, next);
    pthread_mutex_unlock(&mailbox->lock);
    written = write(mailbox->event_fd, &one, sizeof(one));
    (void)written; /* fails only when the counter is full, and then the descriptor is readable already */
}

bool mailbox_take(struct mailbox *mailbox, struct message *message)
{
    struct letter *letter;
    uint64_t count;

    pthread_mutex_lock(&mailbox->lock);
    letter = STAILQ_FIRST(&mailbox->letters);
    if (letter) {
        STAILQ_REMOVE_HEAD(&mailbox->letters, next);
    } else {
        ssize_t got =
            read(mailbox->event_fd, &count, sizeof(count)); /* under the lock: no post is overlooked */

        (void)got; /* nothing to read is fine */
    }
    pthread_mutex_unlock(&mailbox->lock);
    if (!letter)
        return false;
    *message = letter->message;
    free(letter);
    return true;
}
