/*
 * pending.h - Hellos on their way to the site: told once, repeated until the site gives its verdict, not told
 * twice.
 *
 * Firmware repeats its Hello only every hour after a while, so one heard while the site is away is kept. The
 * same computer within the quiet time is one Hello. Bounded, in Hellos and in their root hashes: when full,
 * the oldest is forgotten. Main thread only.
 */
#ifndef HELLO_PENDING_H
#define HELLO_PENDING_H

#include "hello/hello_message.h"

struct pending_hellos;

struct pending_hellos *pending_hellos_new(size_t most, int64_t quiet_ms);
void pending_hellos_free(struct pending_hellos **pending);

enum pending_result {
    PENDING_TAKEN,
    PENDING_DUPLICATE, /* the same computer said so moments ago */
    PENDING_DISPLACED, /* taken, and the oldest was forgotten for it */
};

/* correlation becomes that of its HELLO_SEEN. Times are monotonic except seen_at_ms, the wall clock. */
enum pending_result pending_hellos_take(struct pending_hellos *pending, const struct hello_message *hello,
                                        const char *address, uint64_t correlation, int64_t seen_at_ms,
                                        int64_t now_ms);
/* The next HELLO_SEEN that is to be said now, borrowed, NULL when none is; its next repetition is put off. */
const struct message *pending_hellos_due(struct pending_hellos *pending, int64_t now_ms);
int64_t pending_hellos_due_ms(const struct pending_hellos *pending); /* INT64_MAX: none */
/* All without a verdict are due now: the site is there again. */
void pending_hellos_hurry(struct pending_hellos *pending, int64_t now_ms);
/* The site's verdict came. False: for no Hello that waits for one. */
bool pending_hellos_answer(struct pending_hellos *pending, const struct uuid *uuid);
/* The site refused the message itself. False: it is no Hello's. */
bool pending_hellos_refuse(struct pending_hellos *pending, uint64_t correlation);
size_t pending_hellos_count(const struct pending_hellos *pending); /* without a verdict */

#endif
