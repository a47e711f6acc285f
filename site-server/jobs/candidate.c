#include "candidate.h"

#include <stdio.h>
#include <string.h>

#define EMPTY_PASSWORD "empty"

static bool refused(const struct candidate_question *question, const char *reference)
{
    for (size_t i = 0; i < question->refused_count; i++) {
        if (strcmp(question->refused[i], reference) == 0)
            return true;
    }
    return false;
}

static size_t allowed_now(const struct candidate_question *question)
{
    size_t seen = question->refusals_in_last_hour;
    size_t left = seen < REFUSALS_IN_AN_HOUR ? REFUSALS_IN_AN_HOUR - seen : 0;

    return left < CANDIDATES_IN_A_CONTACT ? left : CANDIDATES_IN_A_CONTACT;
}

static size_t offered_now(const struct candidate_question *question, const struct candidate_answer *answer)
{
    size_t allowed = allowed_now(question);
    bool empty_first = answer->now_count > 0 && strcmp(answer->now[0].reference, EMPTY_PASSWORD) == 0;

    return allowed == CANDIDATES_IN_A_CONTACT && empty_first ? CANDIDATES_OFFERED_MAX : allowed;
}

static void consider(const struct candidate_question *question, const struct candidate *candidate,
                     struct candidate_answer *answer)
{
    if (refused(question, candidate->reference))
        return;
    answer->left++;
    if (answer->now_count < offered_now(question, answer))
        answer->now[answer->now_count++] = *candidate;
}

static void consider_credential(const struct candidate_question *question,
                                const struct credential *credential, struct candidate_answer *answer)
{
    struct candidate candidate = { .credential = credential };

    snprintf(candidate.reference, sizeof(candidate.reference), "secret:%lld", (long long)credential->id);
    consider(question, &candidate, answer);
}

static void consider_state(const struct candidate_question *question, enum credential_state state,
                           struct candidate_answer *answer)
{
    const struct credential *credentials = question->credentials;

    for (size_t i = 0; i < question->credential_count; i++) {
        if (credentials[i].kind == CREDENTIAL_ADMIN && credentials[i].state == state &&
            credentials[i].maybe_on_device)
            consider_credential(question, &credentials[i], answer);
    }
}

static void choose_own(const struct candidate_question *question, struct candidate_answer *answer)
{
    bool pending_first = question->list == CANDIDATES_ROTATION;

    if (question->maybe_in_setup)
        consider(question, &(struct candidate){ .reference = EMPTY_PASSWORD }, answer);
    consider_state(question, pending_first ? CREDENTIAL_PENDING : CREDENTIAL_ACTIVE, answer);
    consider_state(question, pending_first ? CREDENTIAL_ACTIVE : CREDENTIAL_PENDING, answer);
    consider_state(question, CREDENTIAL_SUPERSEDED, answer);
    consider_state(question, CREDENTIAL_IMPORTED, answer);
}

/* Spec O5, in its order. */
static void choose_all(const struct candidate_question *question, struct candidate_answer *answer)
{
    const struct credential *credentials = question->credentials;

    consider(question, &(struct candidate){ .reference = EMPTY_PASSWORD }, answer);
    for (size_t i = 0; i < question->credential_count; i++) {
        if (credentials[i].kind == CREDENTIAL_ADMIN && credentials[i].state != CREDENTIAL_IMPORTED &&
            credentials[i].maybe_on_device)
            consider_credential(question, &credentials[i], answer);
    }
    for (size_t i = 0; i < question->credential_count; i++) {
        if (credentials[i].kind == CREDENTIAL_ADMIN && credentials[i].state == CREDENTIAL_IMPORTED)
            consider_credential(question, &credentials[i], answer);
    }
    for (size_t i = 0; i < question->account_count; i++) {
        struct candidate candidate = { .account = i };

        snprintf(candidate.reference, sizeof(candidate.reference), "account:%s", question->accounts[i]);
        consider(question, &candidate, answer);
    }
    consider(question, &(struct candidate){ .reference = "factory" }, answer);
}

void candidate_choose(const struct candidate_question *question, struct candidate_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    if (question->list == CANDIDATES_ALL)
        choose_all(question, answer);
    else
        choose_own(question, answer);
}
