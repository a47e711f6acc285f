/*
 * policy.h - what an agent is told to do with its computer (spec I1), and who an agent is by its key.
 */
#ifndef AGENTS_POLICY_H
#define AGENTS_POLICY_H

#include "agents/enrolment.h"

/* What the verdict depends on. */
struct policy_facts {
    bool blocked, managed_in_band, provision, enable_amt;
    bool unprovisioned;    /* an operator wants it so */
    bool held;             /* this site provisioned it, and the database knows of no end of that */
    bool auto_reprovision; /* one that lost its provisioning is provisioned again */
    bool ever_provisioned;
    bool has_fqdn; /* host and domain */
    bool job_leased;
    enum setup_state setup_state; /* as the agent said last */
    bool roots_known;             /* some service point has a certificate whose root counts */
};

struct agent { /* ended with agent_clear() */
    struct uuid uuid;
    struct policy_facts facts;
    struct root_hash *root_hashes; /* that count */
    size_t root_hash_count;
};

void agent_clear(struct agent *agent);

/* *bound false: the key is bound to no computer. */
bool agent_find(struct database *database, const char *key, struct agent *agent, bool *bound,
                struct error *err) MUST_CHECK;

/* REASON_NONE: it is to be provisioned. Pure. */
enum reason_code policy_judge(const struct policy_facts *facts);
/* Fills *policy, ended by message_free(). */
void policy_tell(const struct agent *agent, uint32_t come_back_s, struct message_policy *policy);

/* A check that failed: kept with the agent, and shown with the computer unless this site holds it. */
bool check_record(struct database *database, const struct agent *agent,
                  const struct message_check_failed *failed, struct error *err) MUST_CHECK;

#endif
