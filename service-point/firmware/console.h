/*
 * console.h - the certificates with which this service point opens computers in mutual TLS (AMT SDK, "Mutual
 * authentication": clientAuth and the usage of a remote console).
 *
 * The site issues them for a key that is made here and never leaves memory: one of each authority that a
 * computer may trust. Or a file holds one, where the site has no authority of its own. The set is replaced as
 * a whole; a session holds the one that it began with.
 */
#ifndef FIRMWARE_CONSOLE_H
#define FIRMWARE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/message.h"
#include "firmware/trust.h"

struct console;     /* opaque: the key, and the set in use; any thread may hold and release sets */
struct console_set; /* opaque, never changed; shared by all that hold it */

/* path: PEM file of key, leaf, intermediates and root, mode 0600; "": a key is made for the site to certify.
 * name: of this service point, for the request. now_s: seconds since 1970. On true the caller ends *console
 * with console_close(), after every set was released. */
bool console_open(struct console **console, const char *path, const char *name, int64_t now_s,
                  struct error *err) MUST_CHECK;
void console_close(struct console **console);

/* PKCS#10, DER; empty with a file. Borrowed. */
const struct bytes *console_request(const struct console *console);
/* What the site answered, the authority that issues now first. None: the former ones stay. False: one of them
 * is no good, and the former ones stay, too. */
bool console_take(struct console *console, const struct bytes *certificates, size_t count,
                  struct error *err) MUST_CHECK;
/* Whether the site should be asked: one of the set has passed half of its life, or there is none of issuer
 * (DER; NULL: of any). Never with a file. */
bool console_wants(struct console *console, const struct bytes *issuer, int64_t now_s);

/* Never NULL, but maybe empty; the caller ends it with console_release(). */
struct console_set *console_hold(struct console *console);
void console_release(struct console_set **set);
size_t console_set_count(const struct console_set *set);
/* Borrowed from the set. */
const struct provisioning_certificate *console_set_certificate(const struct console_set *set, size_t index);
/* The one whose chain leads to root (DER); NULL: none. */
const struct provisioning_certificate *console_set_find(const struct console_set *set,
                                                        const struct bytes *root);
/* The root that a computer has to trust: the file's, else issuer (DER) if it issued one; NULL: none.
 * Borrowed. */
const struct bytes *console_set_root(const struct console_set *set, const struct bytes *issuer);

#endif
