/*
 * publication.h - revocation lists: made when they are due, kept in the database, published as files and for
 * HTTP.
 *
 * A list is due when there is none, when a revocation is on none, and when half of its lifetime is over. Of
 * several site servers on one database one makes it, all publish it.
 */
#ifndef CERTIFICATES_PUBLICATION_H
#define CERTIFICATES_PUBLICATION_H

#include "common/error.h"
#include "database/database.h"
#include "devices/vault.h"

struct publication; /* opaque: owns copies of the newest lists */

struct publication_settings {
    int64_t lifetime_s;    /* from one list's thisUpdate to its nextUpdate */
    const char *directory; /* where NAME.crl is written; "": nowhere; borrowed */
};

struct publication *publication_new(const struct publication_settings *settings);
void publication_free(struct publication **publication);

/*
 * Makes what is due, in one transaction, then takes over and publishes what is new, also of others. *made:
 * how many lists. A file that cannot be written is an error too, and so is a key that cannot be opened: the
 * others are made and published all the same, and it is tried again by the next call.
 */
bool publication_refresh(struct publication *publication, struct database *database, struct vault *vault,
                         int64_t now_s, size_t *made, struct error *err) MUST_CHECK;

/* The list of that name, DER, borrowed until the next refresh; NULL: there is none. */
const struct bytes *publication_list(const struct publication *publication, const char *name);

#endif
