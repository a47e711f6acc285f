/*
 * records.h - what the database says of its computers, and where it contradicts itself or owes something.
 */
#ifndef AUDIT_RECORDS_H
#define AUDIT_RECORDS_H

#include "audit/finding.h"
#include "support/sql.h"

/* An imported computer, as its row has it; ended with audited_list_clear(). */
struct audited {
    char *uuid, *fqdn, *address, *firmware_version;
    char *mebx_policy;     /* of its profile: leave, random or shared */
    char *fingerprint_hex; /* SHA-256 of the certificate that its firmware should show; "": none */
    char *tls;        /* of its profile, server or mutual; "": the profile has changed since it was written */
    char *others_hex; /* those of its other certificates in use, as for 802.1X, separated by blanks */
};

struct audited_list {
    struct audited *items;
    size_t count;
};

/* Those that are not blocked, in the order of their names. */
bool records_list(struct sql *sql, struct audited_list *list, struct error *err) MUST_CHECK;
void audited_list_clear(struct audited_list *list);

/* Of every computer: provisioned and nothing said against it, one active password of each kind, one active
 * certificate, nothing pending, no job open, and job histories that can have happened. */
bool records_audit(struct sql *sql, struct findings *findings, struct error *err) MUST_CHECK;

#endif
