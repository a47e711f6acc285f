/*
 * pending.h - Hellos on their way to the site: told once, repeated until the site gives its verdict, not told
 * twice; and in what order, when there are more than the site can judge.
 *
 * Firmware repeats its Hello only every hour after a while, so one heard while the site is away is kept. The
 * same computer at the same address within the quiet time is one Hello. Main thread only.
 *
 * Nobody who is a stranger to the site keeps a computer out that the site knows. Hellos wait in two lanes.
 * In the first are computers that the site said it knows (common/known_set.h: it may name a stranger by
 * mistake, but leaves no known one out); in the second all others. The lanes have room, a window and a pace
 * of their own: a stranger takes no place of a known computer, is told only when no known one can be, and
 * then only strangers_per_second; so the site hears no more of a flood than that, however many addresses and
 * UUIDs it has. What a stranger could still do is to speak in a computer's name, if he has its UUID:
 *  - a Hello from another address is another Hello, so his does not pass for the computer's own;
 *  - of one UUID at most four wait, and the newest displaces the oldest of the same UUID only;
 *  - one address gets a few Hellos a minute into the first lane, where each computer has an address of its
 *    own, because the site will call it there; so he can hold up nobody but the computer he runs on.
 * Hellos in known names do reach the site, which looks a computer up once a turn, however often it is named.
 * A computer that was imported a moment ago is a stranger until the site has told so. Until then it shares
 * the second lane with those who are there; of these one address (IPv6: one /64) has a limited share, and the
 * oldest makes room. Once the site tells it changes the lane; and firmware says Hello again, and is known
 * by then.
 *
 * Back-pressure: no more than a window of Hellos is without a verdict at the site; the rest waits here, first
 * come first told. Bounded, in Hellos and in their root hashes: when a lane is full, its oldest is forgotten.
 */
#ifndef HELLO_PENDING_H
#define HELLO_PENDING_H

#include "common/known_set.h"
#include "hello/hello_message.h"

struct pending_hellos;

struct pending_settings {
    size_t most, most_strangers;     /* Hellos in each lane */
    size_t window, window_strangers; /* of these, without a verdict at the site */
    unsigned strangers_per_second;   /* told to the site */
    int64_t quiet_ms;
};

struct pending_hellos *pending_hellos_new(const struct pending_settings *settings);
void pending_hellos_free(struct pending_hellos **pending);

enum pending_result {
    PENDING_TAKEN,
    PENDING_DUPLICATE, /* the same computer said so moments ago */
    PENDING_DISPLACED, /* taken, and one of the same lane was forgotten for it, that the site did not hear of
                        */
    PENDING_TOO_OFTEN, /* not taken: its address has said too much */
};

struct heard_hello { /* borrowed */
    const struct hello_message *hello;
    const char *address;
    bool known;           /* to the site */
    uint64_t correlation; /* becomes that of its HELLO_SEEN */
    int64_t seen_at_ms;   /* the wall clock; all other times are monotonic */
};

enum pending_result pending_hellos_take(struct pending_hellos *pending, const struct heard_hello *heard,
                                        int64_t now_ms);
/* The next HELLO_SEEN that is to be said now, borrowed, NULL when none is; its next repetition is put off. */
const struct message *pending_hellos_due(struct pending_hellos *pending, int64_t now_ms);
int64_t pending_hellos_due_ms(const struct pending_hellos *pending); /* INT64_MAX: none */
/* The site told anew whom it knows: the strangers among them change the lane. */
void pending_hellos_recognise(struct pending_hellos *pending, struct known_set_reader *known);
/* All without a verdict are due now: the site is there again. */
void pending_hellos_hurry(struct pending_hellos *pending, int64_t now_ms);
/* The site's verdict came. False: for no Hello that waits for one. */
bool pending_hellos_answer(struct pending_hellos *pending, const struct uuid *uuid, uint64_t correlation);
/* The site refused the message itself. False: it is no Hello's. */
bool pending_hellos_refuse(struct pending_hellos *pending, uint64_t correlation);

struct pending_count { /* without a verdict */
    size_t known, strangers;
};
struct pending_count pending_hellos_count(const struct pending_hellos *pending);

#endif
