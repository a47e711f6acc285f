/*
 * pac.h - who a ticket's user is and in which groups: KERB_VALIDATION_INFO (MS-PAC 2.5), in NDR (C706 14).
 *
 * Pure: bytes in, SIDs out. That the bytes are the directory's, and about this user, is for the caller to
 * check.
 */
#ifndef SIMULATOR_PAC_H
#define SIMULATOR_PAC_H

#include "error.h"

#include <stdint.h>

enum {
    SID_HEAD = 8,             /* MS-DTYP 2.4.2.2: before the sub-authorities, of 4 octets each */
    SID_SUB_AUTHORITIES = 15, /* the same: the most there are */
    SID_ROOM = SID_HEAD + 4 * SID_SUB_AUTHORITIES,
    MEMBERSHIPS_MAX = 1024, /* what an access token of Windows holds */
};

struct sid {
    unsigned char bytes[SID_ROOM]; /* as MS-DTYP 2.4.2.2 packs it */
    size_t length;
};

/* The user, the primary group and the others that count; zero-initialise. */
struct membership {
    struct sid *sids; /* owned */
    size_t count;
};

void membership_release(struct membership *membership);

/* Fills *read, which must be empty. */
bool pac_read(const unsigned char *bytes, size_t length, struct membership *read,
              struct error *err) MUST_CHECK;

#endif
