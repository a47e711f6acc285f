#include "enrolment.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/root_hash.h"
#include "statement.h"

bool token_hash(const struct secret *token, unsigned char hash[TOKEN_HASH_BYTES])
{
    return EVP_Digest(secret_reveal(token), secret_length(token), hash, NULL, EVP_sha256(), NULL) == 1;
}

static enum reason_code judge_token(const struct enrolment_facts *facts)
{
    switch (facts->token) {
    case TOKEN_NONE:
        return REASON_TOKEN_MISSING;
    case TOKEN_UNKNOWN:
        return REASON_TOKEN_UNKNOWN;
    case TOKEN_EXPIRED:
        return REASON_TOKEN_EXPIRED;
    case TOKEN_REVOKED:
        return REASON_TOKEN_REVOKED;
    case TOKEN_GOOD:
        break;
    }
    return facts->token_of_another ? REASON_TOKEN_OF_ANOTHER : REASON_NONE;
}

/* The token first: a stranger is not told which computers have agents. */
enum reason_code enrolment_judge(const struct enrolment_facts *facts)
{
    enum reason_code token;

    if (facts->dummy_uuid)
        return REASON_DUMMY_UUID;
    if (facts->key_bound)
        return facts->key_bound_here ? REASON_NONE : REASON_KEY_OF_ANOTHER;
    token = judge_token(facts);
    if (token != REASON_NONE)
        return token;
    if (facts->uuid_bound_elsewhere)
        return REASON_BOUND_TO_ANOTHER_KEY;
    if (!facts->computer_known && facts->imported_only)
        return REASON_UNKNOWN_COMPUTER;
    return !facts->computer_known && facts->name_taken ? REASON_NAME_TAKEN : REASON_NONE;
}

struct found { /* the facts, and what they are about */
    struct enrolment_facts facts;
    struct uuid key_owner; /* when key_bound */
    int64_t token;         /* 0: none that is known */
};

static enum token_state token_state_of(const struct rows *rows)
{
    const char *state = row_text(rows, 0, "token_state");

    if (!state)
        return TOKEN_UNKNOWN;
    if (strcmp(state, "revoked") == 0)
        return TOKEN_REVOKED;
    return strcmp(state, "expired") == 0 ? TOKEN_EXPIRED : TOKEN_GOOD;
}

static void read_facts(const struct rows *rows, const struct message_enrol *said, struct found *found)
{
    struct enrolment_facts *facts = &found->facts;

    facts->dummy_uuid = uuid_is_dummy(&said->uuid);
    facts->key_bound = !row_is_null(rows, 0, "key_owner");
    if (facts->key_bound)
        found->key_owner = row_uuid(rows, 0, "key_owner");
    facts->key_bound_here = facts->key_bound && uuid_equal(&found->key_owner, &said->uuid);
    facts->uuid_bound_elsewhere = row_bool(rows, 0, "bound_elsewhere");
    facts->computer_known = row_bool(rows, 0, "computer_known");
    facts->name_taken = row_bool(rows, 0, "name_taken");
    facts->token = said->token ? token_state_of(rows) : TOKEN_NONE;
    facts->token_of_another = row_bool(rows, 0, "token_of_another");
    found->token = row_is_null(rows, 0, "token") ? 0 : row_number(rows, 0, "token");
}

static bool find_facts(struct database *database, const struct enrolment *enrolment, struct found *found,
                       struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    unsigned char hash[TOKEN_HASH_BYTES];

    if (enrolment->said->token && !token_hash(enrolment->said->token, hash))
        return error_set(err, ERROR_INTERNAL, "SHA-256 is not available");
    parameters_text(parameters, enrolment->key);
    parameters_uuid(parameters, &enrolment->said->uuid);
    parameters_bytes(parameters, enrolment->said->token ? hash : NULL, sizeof(hash));
    parameters_text(parameters, enrolment->said->fqdn);
    if (!database_run(database, STATEMENT_AGENT_FACTS, parameters, &rows, err))
        return false;
    read_facts(rows, enrolment->said, found);
    return true;
}

static char *join_roots(const struct message_enrol *said)
{
    char *text = allocate(said->root_hash_count * (ROOT_HASH_TEXT_SIZE + 1) + 1), *at = text;

    for (size_t i = 0; i < said->root_hash_count; i++) {
        if (i)
            *at++ = ' ';
        root_hash_text(&said->root_hashes[i], at);
        at += strlen(at);
    }
    return text;
}

/* SQL's words for the firmware's states; NULL: not told. */
static const char *setup_state_word(enum setup_state state)
{
    static const char *const words[] = { "pre", "in", "post" };

    return state < SETUP_UNKNOWN ? words[state] : NULL;
}

static const char *control_mode_word(enum control_mode mode)
{
    static const char *const words[] = { "none", "client", "admin" };

    return mode < CONTROL_UNKNOWN ? words[mode] : NULL;
}

static char *mac_text(const struct message_enrol *said)
{
    const uint8_t *mac = said->mac;

    if (!said->mac_known)
        return NULL;
    return text_format("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/* A computer without a name gets its UUID for one, which a service point refuses to write. */
static void name_computer(struct parameters *parameters, const struct message_enrol *said)
{
    char uuid[UUID_TEXT_SIZE];
    const char *fqdn = said->fqdn ? said->fqdn : uuid_text(&said->uuid, uuid);
    AUTO(text_free) char *label = text_format("%.*s", (int)strcspn(fqdn, "."), fqdn);

    parameters_text(parameters, label);
    parameters_text(parameters, fqdn);
}

/* A conflict undoes the whole turn; when it is replayed, the facts tell whom the computer is bound to. */
static bool store(struct database *database, const struct enrolment *enrolment, const struct found *found,
                  struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    const struct message_enrol *said = enrolment->said;
    AUTO(text_free) char *roots = join_roots(said);
    AUTO(text_free) char *mac = mac_text(said);

    parameters_uuid(parameters, &said->uuid);
    parameters_text(parameters, enrolment->key);
    parameters_number(parameters, found->facts.key_bound ? 0 : found->token);
    parameters_text(parameters, *enrolment->address ? enrolment->address : NULL);
    name_computer(parameters, said);
    parameters_text(parameters, mac);
    parameters_text(parameters, said->agent_version);
    parameters_text(parameters, said->amt_version);
    parameters_text(parameters, said->wired.address);
    parameters_number(parameters, said->wired.prefix_bits);
    parameters_text(parameters, said->dns_suffix);
    parameters_text(parameters, roots);
    parameters_text(parameters, setup_state_word(said->setup_state));
    parameters_text(parameters, control_mode_word(said->control_mode));
    parameters_bool(parameters, said->amt_disabled);
    parameters_bool(parameters, !found->facts.name_taken);
    if (!database_run(database, STATEMENT_AGENT_STORE, parameters, &rows, err))
        return false;
    return rows_count(rows) > 0 ||
           error_set(err, ERROR_CONFLICT, "another agent was bound to this computer at the same time");
}

bool alarm_raise(struct database *database, enum reason_code reason, const struct uuid *computer,
                 const char *address, const char *text, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, reason_of(reason)->name);
    parameters_uuid(parameters, computer);
    parameters_text(parameters, *address ? address : NULL);
    parameters_text(parameters, text);
    return database_write(database, STATEMENT_ALARM_RAISE, parameters, err);
}

/* What only somebody can cause who has a token of this site, or the key of one of its agents. */
static bool raise_alarm(struct database *database, const struct enrolment *enrolment,
                        const struct found *found, enum reason_code reason, struct error *err)
{
    char claimed[UUID_TEXT_SIZE];
    AUTO(text_free) char *text = NULL;

    uuid_text(&enrolment->said->uuid, claimed);
    switch (reason) {
    case REASON_KEY_OF_ANOTHER:
        text = text_format("the agent of this computer says that its UUID is %s", claimed);
        return alarm_raise(database, reason, &found->key_owner, enrolment->address, text, err);
    case REASON_BOUND_TO_ANOTHER_KEY:
        text = text_format("an agent with key %s says that it runs on this computer", enrolment->key);
        return alarm_raise(database, reason, &enrolment->said->uuid, enrolment->address, text, err);
    case REASON_TOKEN_OF_ANOTHER:
        text = text_format("computer %s enrols with a token that was made for another one", claimed);
        return alarm_raise(database, reason, &enrolment->said->uuid, enrolment->address, text, err);
    default:
        return true;
    }
}

bool enrolment_carry_out(struct database *database, const struct enrolment *enrolment,
                         struct refused *refused, struct error *err)
{
    struct found found = { 0 };
    enum reason_code reason;

    if (!find_facts(database, enrolment, &found, err))
        return false;
    found.facts.imported_only = enrolment->imported_only;
    reason = enrolment_judge(&found.facts);
    if (reason == REASON_NONE)
        return store(database, enrolment, &found, err);
    refused->reason = reason;
    snprintf(refused->text, sizeof(refused->text), "%s", reason_of(reason)->meaning);
    return raise_alarm(database, enrolment, &found, reason, err);
}
