/*
 * kind.h - the kinds of jobs: what each one hands out and what it makes of a computer. Pure.
 */
#ifndef JOBS_KIND_H
#define JOBS_KIND_H

#include "common/reason.h"
#include "jobs/candidate.h"

enum kind_mebx {
    MEBX_LEFT,
    MEBX_SET,     /* as the profile says; one that was handed out before is handed out again */
    MEBX_KEPT,    /* as the profile says, unless the firmware has one that fits */
    MEBX_RENEWED, /* a new one, where the profile wants one for each computer */
};

struct job_kind {
    const char *name; /* as SQL and the offer have it */
    enum candidate_list accounts;
    bool certificate_known; /* the computer is to show the certificate that we issued to it */
    bool new_admin_password;
    bool applies_profile; /* its users and networks are handed out, with their passwords */
    enum kind_mebx mebx;
    enum amt_status status_done;  /* STATUS_KEEP: the one that was found */
    enum reason_code reason_done; /* shown with the computer from then on */
};

/* The table of SQL allows no other: never NULL for a name that comes from there. */
const struct job_kind *job_kind_find(const char *name);

#endif
