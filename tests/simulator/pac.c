#include "pac.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEADERS = 16,            /* MS-RPCE 2.2.6: common and private type header */
    GROUP_ENABLED = 4,       /* SE_GROUP_ENABLED: MS-PAC 2.2.1 */
    NAMES_BEFORE_GROUPS = 6, /* of the user: EffectiveName to HomeDirectoryDrive */
    NAMES_AFTER_GROUPS = 2,  /* LogonServer, LogonDomainName */
    SESSION_KEY = 16,
};

/* Where reading is; broken stays set, and then everything reads as zero. */
struct cursor {
    const unsigned char *bytes;
    size_t length, at;
    bool broken;
};

/* The parts of the structure that lead to SIDs; what a pointer points to comes after the structure itself. */
struct logon {
    bool names[NAMES_BEFORE_GROUPS + NAMES_AFTER_GROUPS]; /* whether each has a text */
    uint32_t user, primary_group, group_count, extra_count, resource_count;
    bool groups, domain, extras, resource_domain, resources;
};

static void skip(struct cursor *cursor, size_t octets)
{
    if (cursor->broken || octets > cursor->length - cursor->at) {
        cursor->broken = true;
        return;
    }
    cursor->at += octets;
}

static void align(struct cursor *cursor, size_t to)
{
    skip(cursor, (to - cursor->at % to) % to);
}

static uint32_t read_number(struct cursor *cursor)
{
    const unsigned char *from;

    align(cursor, 4);
    skip(cursor, 4);
    if (cursor->broken)
        return 0;
    from = cursor->bytes + cursor->at - 4;
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static bool read_pointer(struct cursor *cursor)
{
    return read_number(cursor) != 0;
}

/* RPC_UNICODE_STRING: length, room, pointer. */
static bool read_name(struct cursor *cursor)
{
    align(cursor, 4);
    skip(cursor, 4);
    return read_pointer(cursor);
}

/* The characters of such a name: room, offset, count, then 16 bits each. */
static void skip_name(struct cursor *cursor)
{
    uint32_t count;

    (void)read_number(cursor);
    (void)read_number(cursor);
    count = read_number(cursor);
    skip(cursor, 2 * (size_t)count);
}

/* A count that stands before the items must be the one the structure has said, and fit into what is there. */
static uint32_t read_count(struct cursor *cursor, uint32_t said, size_t item_size)
{
    uint32_t count = read_number(cursor);

    if (cursor->broken || count != said || count > (cursor->length - cursor->at) / item_size) {
        cursor->broken = true;
        return 0;
    }
    return count;
}

static void read_sid(struct cursor *cursor, struct sid *sid)
{
    uint32_t parts = read_number(cursor);
    const unsigned char *from = cursor->bytes + cursor->at;

    *sid = (struct sid){ 0 };
    if (parts > SID_SUB_AUTHORITIES)
        cursor->broken = true;
    skip(cursor, SID_HEAD + 4 * (size_t)parts);
    if (cursor->broken)
        return;
    if (from[0] != 1 || from[1] != parts) {
        cursor->broken = true;
        return;
    }
    sid->length = SID_HEAD + 4 * (size_t)parts;
    memcpy(sid->bytes, from, sid->length);
}

static void add_sid(struct cursor *cursor, struct membership *membership, const struct sid *sid)
{
    if (membership->count == MEMBERSHIPS_MAX) {
        cursor->broken = true;
        return;
    }
    membership->sids = reallocate(membership->sids, (membership->count + 1) * sizeof(*sid));
    membership->sids[membership->count++] = *sid;
}

/* A SID of the domain with one more sub-authority, as users and groups of a domain have them. */
static void add_member(struct cursor *cursor, struct membership *membership, const struct sid *domain,
                       uint32_t relative)
{
    struct sid sid = *domain;

    if (cursor->broken || !domain->length || domain->bytes[1] == SID_SUB_AUTHORITIES) {
        cursor->broken = true;
        return;
    }
    sid.bytes[1]++;
    for (unsigned i = 0; i < 4; i++)
        sid.bytes[sid.length++] = (unsigned char)(relative >> (8 * i));
    add_sid(cursor, membership, &sid);
}

/* MS-PAC 2.5, in the order of the members. */
static void read_structure(struct cursor *cursor, struct logon *logon)
{
    skip(cursor, 6 * 8); /* times */
    for (unsigned i = 0; i < NAMES_BEFORE_GROUPS; i++)
        logon->names[i] = read_name(cursor);
    skip(cursor, 2 * 2); /* LogonCount, BadPasswordCount */
    logon->user = read_number(cursor);
    logon->primary_group = read_number(cursor);
    logon->group_count = read_number(cursor);
    logon->groups = read_pointer(cursor);
    skip(cursor, 4 + SESSION_KEY); /* UserFlags */
    for (unsigned i = 0; i < NAMES_AFTER_GROUPS; i++)
        logon->names[NAMES_BEFORE_GROUPS + i] = read_name(cursor);
    logon->domain = read_pointer(cursor);
    skip(cursor, 2 * 4);             /* Reserved1 */
    skip(cursor, 4 + 4 + 8 + 8 + 8); /* UserAccountControl to Reserved3 */
    logon->extra_count = read_number(cursor);
    logon->extras = read_pointer(cursor);
    logon->resource_domain = read_pointer(cursor);
    logon->resource_count = read_number(cursor);
    logon->resources = read_pointer(cursor);
}

struct group {
    uint32_t relative, attributes;
};

/* Owned by the caller; NULL: none, or broken. */
static struct group *read_groups(struct cursor *cursor, bool present, uint32_t said)
{
    uint32_t count = present ? read_count(cursor, said, 8) : 0;
    struct group *groups = count ? allocate(count * sizeof(*groups)) : NULL;

    if (!present && said)
        cursor->broken = true;
    for (uint32_t i = 0; i < count; i++) {
        groups[i].relative = read_number(cursor);
        groups[i].attributes = read_number(cursor);
    }
    return groups;
}

static void add_groups(struct cursor *cursor, struct membership *membership, const struct sid *domain,
                       const struct group *groups, uint32_t count)
{
    for (uint32_t i = 0; !cursor->broken && i < count; i++)
        if (groups[i].attributes & GROUP_ENABLED)
            add_member(cursor, membership, domain, groups[i].relative);
}

/* First an array of pointers with attributes, then the SIDs that they point to. */
static void add_extras(struct cursor *cursor, struct membership *membership, uint32_t said)
{
    uint32_t count = read_count(cursor, said, 8);
    bool *counted = allocate(count + 1);

    for (uint32_t i = 0; i < count; i++) {
        if (!read_pointer(cursor))
            cursor->broken = true;
        counted[i] = read_number(cursor) & GROUP_ENABLED;
    }
    for (uint32_t i = 0; !cursor->broken && i < count; i++) {
        struct sid sid;

        read_sid(cursor, &sid);
        if (!cursor->broken && counted[i])
            add_sid(cursor, membership, &sid);
    }
    free(counted);
}

static void add_resources(struct cursor *cursor, struct membership *membership, const struct logon *logon)
{
    struct sid domain = { 0 };
    struct group *groups;

    if (logon->resource_domain)
        read_sid(cursor, &domain);
    groups = read_groups(cursor, logon->resources, logon->resource_count);
    add_groups(cursor, membership, &domain, groups, logon->resource_count);
    free(groups);
}

static void read_members(struct cursor *cursor, const struct logon *logon, struct membership *membership)
{
    struct sid domain = { 0 };
    struct group *groups;

    for (unsigned i = 0; i < NAMES_BEFORE_GROUPS; i++)
        if (logon->names[i])
            skip_name(cursor);
    groups = read_groups(cursor, logon->groups, logon->group_count);
    for (unsigned i = 0; i < NAMES_AFTER_GROUPS; i++)
        if (logon->names[NAMES_BEFORE_GROUPS + i])
            skip_name(cursor);
    if (logon->domain)
        read_sid(cursor, &domain);
    add_member(cursor, membership, &domain, logon->user);
    add_member(cursor, membership, &domain, logon->primary_group);
    add_groups(cursor, membership, &domain, groups, logon->group_count);
    free(groups);
    if (logon->extras)
        add_extras(cursor, membership, logon->extra_count);
    add_resources(cursor, membership, logon);
}

void membership_release(struct membership *membership)
{
    free(membership->sids);
    *membership = (struct membership){ 0 };
}

bool pac_read(const unsigned char *bytes, size_t length, struct membership *read, struct error *err)
{
    struct cursor cursor = { .bytes = bytes, .length = length };
    struct membership reading = { 0 };
    struct logon logon = { 0 };

    if (length < HEADERS || bytes[0] != 1 || bytes[1] != 0x10)
        return error_set(err,
                         "MS-RPCE 2.2.6.1: the logon information is not NDR of version 1, little-endian");
    skip(&cursor, HEADERS);
    if (!read_pointer(&cursor))
        return error_set(err, "MS-PAC 2.5: the logon information is empty");
    read_structure(&cursor, &logon);
    read_members(&cursor, &logon, &reading);
    if (cursor.broken) {
        membership_release(&reading);
        return error_set(err, "MS-PAC 2.5: the logon information ends too early or contradicts itself");
    }
    *read = reading;
    return true;
}
