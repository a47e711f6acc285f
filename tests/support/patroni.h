/*
 * patroni.h - three database hosts under Patroni on loopback addresses, and an etcd for them, configured by
 * the sample in deploy/patroni with other addresses and paths: what is tried is the sample.
 *
 * Needs the packages patroni, etcd-server and openssl, and root (PostgreSQL runs as another user). The
 * passwords of the sample's two users are in the environment of this process, for Patroni and for libpq.
 */
#ifndef TESTS_SUPPORT_PATRONI_H
#define TESTS_SUPPORT_PATRONI_H

#include "common/error.h"

struct patroni; /* opaque: owns all processes and their directory */

/* Returns when two standbys follow the primary, one of them synchronous, and the empty database "amt" is
 * there. */
bool patroni_start(struct patroni **patroni, struct error *err) MUST_CHECK;
void patroni_stop(struct patroni **patroni); /* accepts NULL; removes the files */

/* "10.0.0.1,10.0.0.2,10.0.0.3&target_session_attrs=read-write": for struct site_options. The caller frees. */
char *patroni_hosts(const struct patroni *patroni);

/* As if the primary's host lost its power: Patroni and PostgreSQL of it. */
bool patroni_kill_primary(struct patroni *patroni, struct error *err) MUST_CHECK;
/* The host that was killed; it follows the new primary when this returns. */
bool patroni_start_again(struct patroni *patroni, struct error *err) MUST_CHECK;
/* patronictl switchover; returns when it says that it is done. */
bool patroni_switch_over(struct patroni *patroni, struct error *err) MUST_CHECK;

#endif
