/*
 * acl.h - the firmware's users and their rights, whichever interface asks.
 *
 * Rules: AMT SDK "Valid user names and passwords", "Administrative users".
 */
#ifndef SIMULATOR_ACL_H
#define SIMULATOR_ACL_H

#include "class.h"

enum { REALMS_READ_MAX = 64 };

/* What an Add or Update says, not yet checked. */
struct acl_wish {
    bool digest, kerberos;
    char *name;        /* owned; NULL: none */
    unsigned char *a1; /* owned */
    unsigned char *sid;
    size_t a1_length, sid_length;
    uint32_t access;
    uint32_t realms[REALMS_READ_MAX];
    unsigned realm_count; /* may be more than there is room for */
    uint32_t highest_realm;
};

void acl_wish_release(struct acl_wish *wish);

struct acl_entry *acl_find(struct device *device, uint32_t handle); /* NULL: none */
enum amt_status acl_add(struct device *device, const struct acl_wish *wish, uint32_t *handle);
enum amt_status acl_update(struct device *device, uint32_t handle, const struct acl_wish *wish);
/* In force at once: the next request needs the new password. a1 may be NULL when its length is 0. */
enum amt_status acl_set_admin(struct device *device, const char *name, const unsigned char *a1,
                              size_t length);

#endif
