#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "devices/root_hash.h"
#include "statement.h"

#define CHECK_TEXT_MAX_BYTES 400

void agent_clear(struct agent *agent)
{
    free(agent->root_hashes);
    *agent = (struct agent){ 0 };
}

static enum setup_state setup_state_of(const char *word)
{
    if (!word)
        return SETUP_UNKNOWN;
    if (strcmp(word, "pre") == 0)
        return SETUP_PRE;
    return strcmp(word, "in") == 0 ? SETUP_IN : SETUP_POST;
}

static void read_agent(struct rows *rows, struct agent *agent)
{
    size_t count = row_text_count(rows, 0, "root_hashes");

    agent->uuid = row_uuid(rows, 0, "uuid");
    agent->root_hashes = allocate(count * sizeof(*agent->root_hashes));
    for (size_t i = 0; i < count; i++)
        agent->root_hash_count += root_hash_parse(row_text_element(rows, 0, "root_hashes", i),
                                                  &agent->root_hashes[agent->root_hash_count]);
    agent->facts = (struct policy_facts){
        .blocked = row_bool(rows, 0, "blocked"),
        .managed_in_band = row_bool(rows, 0, "managed_in_band"),
        .provision = row_bool(rows, 0, "provision"),
        .enable_amt = row_bool(rows, 0, "enable_amt"),
        .unprovisioned = row_bool(rows, 0, "unprovisioned"),
        .held = row_bool(rows, 0, "held"),
        .auto_reprovision = row_bool(rows, 0, "auto_reprovision"),
        .ever_provisioned = row_bool(rows, 0, "ever_provisioned"),
        .has_fqdn = row_bool(rows, 0, "has_fqdn"),
        .job_leased = row_bool(rows, 0, "job_leased"),
        .setup_state = setup_state_of(row_text(rows, 0, "setup_state")),
        .roots_known = agent->root_hash_count > 0,
    };
}

bool agent_find(struct database *database, const char *key, struct agent *agent, bool *bound,
                struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    parameters_text(parameters, key);
    if (!database_run(database, STATEMENT_AGENT_FIND, parameters, &rows, err))
        return false;
    *bound = rows_count(rows) > 0;
    if (*bound)
        read_agent(rows, agent);
    return true;
}

enum reason_code policy_judge(const struct policy_facts *facts)
{
    if (facts->blocked)
        return REASON_BLOCKED;
    if (!facts->managed_in_band)
        return REASON_MANAGED_OUT_OF_BAND;
    if (!facts->provision)
        return REASON_PROVISIONING_OFF;
    if (facts->unprovisioned)
        return REASON_UNPROVISIONED;
    if (facts->job_leased)
        return REASON_JOB_UNDER_WAY;
    /* Setup state, or the one before, of a computer that this site provisioned: somebody removed it. */
    if (facts->held && (facts->setup_state == SETUP_POST || facts->setup_state == SETUP_UNKNOWN))
        return REASON_HELD_BY_SITE;
    if (facts->ever_provisioned && !facts->auto_reprovision)
        return REASON_REPROVISIONING_OFF;
    if (!facts->has_fqdn)
        return REASON_NAME_MISSING;
    return facts->roots_known ? REASON_NONE : REASON_NO_SERVICE_POINT;
}

void policy_tell(const struct agent *agent, uint32_t come_back_s, struct message_policy *policy)
{
    enum reason_code reason = policy_judge(&agent->facts);

    *policy = (struct message_policy){ .provision = reason == REASON_NONE,
                                       .reason = reason,
                                       .enable_amt = agent->facts.enable_amt,
                                       .come_back_s = come_back_s };
    if (reason != REASON_NONE) {
        policy->text = text_copy(reason_of(reason)->meaning);
        return;
    }
    policy->root_hash_count = agent->root_hash_count;
    policy->root_hashes = allocate(agent->root_hash_count * sizeof(*policy->root_hashes));
    memcpy(policy->root_hashes, agent->root_hashes, agent->root_hash_count * sizeof(*policy->root_hashes));
}

/* Whatever an agent says: only what an agent can find out. */
static enum reason_code found_by_agent(enum reason_code said)
{
    switch (said) {
    case REASON_NO_COMMON_ROOT:
    case REASON_ALREADY_PROVISIONED:
    case REASON_NO_HOST_INTERFACE:
    case REASON_NO_AMT:
    case REASON_AMT_DISABLED:
    case REASON_ZERO_TOUCH_OFF:
    case REASON_NO_WIRED_NETWORK:
    case REASON_SUFFIX_MISMATCH:
    case REASON_WRONG_UUID:
    case REASON_FIRMWARE_BUSY:
    case REASON_FIRMWARE_STATUS:
    case REASON_TIMEOUT:
        return said;
    default:
        return REASON_ACTIVATION_FAILED;
    }
}

bool check_record(struct database *database, const struct agent *agent,
                  const struct message_check_failed *failed, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    const struct reason *reason = reason_of(found_by_agent(failed->reason));
    const char *said = failed->text && *failed->text ? failed->text : reason->meaning;
    AUTO(text_free) char *text = text_format("%.*s", (int)utf8_cut(said, CHECK_TEXT_MAX_BYTES), said);
    AUTO(text_free)
    char *sentence = strcmp(reason->remedy, "nothing") == 0 ? text_copy(text)
                                                            : text_format("%s; %s", text, reason->remedy);

    parameters_uuid(parameters, &agent->uuid);
    parameters_text(parameters, reason->name);
    parameters_text(parameters, text);
    parameters_text(parameters, sentence);
    parameters_number(parameters, failed->firmware_status);
    parameters_number(parameters, reason->status);
    return database_write(database, STATEMENT_AGENT_CHECK_STORE, parameters, err);
}
