/*
 * candidate.h - which accounts a contact tries, in which order, and how many (spec O5). Pure.
 *
 * A computer that is provisioned by this site opens with what the site made for it, or not at all: no other
 * account's failure is brought upon it.
 *
 * AMT locks an account out after 10 failed logins; a contact tries at most 3 and an hour sees at most 9.
 */
#ifndef JOBS_CANDIDATE_H
#define JOBS_CANDIDATE_H

#include "devices/credential.h"

#define CANDIDATES_IN_A_CONTACT 3
#define REFUSALS_IN_AN_HOUR     9
/* The empty password goes out with one more: firmware before 6.0 does not take it and is not asked, which the
 * service point finds out. It tries 3 at most in any case. */
#define CANDIDATES_OFFERED_MAX (CANDIDATES_IN_A_CONTACT + 1)

struct candidate {
    char reference[80];                  /* "empty", "secret:17", "account:NAME", "factory" */
    const struct credential *credential; /* of a "secret", borrowed */
    size_t account;                      /* index of an "account" */
};

enum candidate_list {
    CANDIDATES_ALL,      /* spec O5 */
    CANDIDATES_OWN,      /* what this site made for the computer, what it believes to be there first */
    CANDIDATES_ROTATION, /* the same, but the new one that may have been taken comes before it */
};

struct candidate_question {
    enum candidate_list list;
    bool maybe_in_setup;                  /* of the computer's own ones: the empty password, too */
    const struct credential *credentials; /* of this computer, newest first */
    size_t credential_count;
    const char *const *accounts; /* names, in their order */
    size_t account_count;
    const char *const *refused; /* references refused in this job */
    size_t refused_count;
    size_t refusals_in_last_hour;
};

struct candidate_answer {
    struct candidate now[CANDIDATES_OFFERED_MAX];
    size_t now_count;
    size_t left; /* not refused yet, those of now included */
};

void candidate_choose(const struct candidate_question *question, struct candidate_answer *answer);

#endif
