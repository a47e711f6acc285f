/*
 * realm.h - names of the firmware's realms, the rights of its access control list.
 *
 * AMT SDK, "User Access Control List": a realm is a group of functions; PTAdministration holds all but the
 * auditor's. Sets of realms are bit masks, bit n for realm n.
 */
#ifndef CONTROL_REALM_H
#define CONTROL_REALM_H

#include <stdint.h>

#include "common/error.h"

#define REALM_LIMIT 25 /* numbers are below */

/* "redirection, remote-control": names in any case, with or without hyphens, or numbers, or "all". */
bool realm_set_parse(const char *text, uint32_t *set, struct error *err) MUST_CHECK;
/* The same form, in order of number; the caller frees. */
char *realm_set_text(uint32_t set);

#endif
