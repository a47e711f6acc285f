#include <stdio.h>
#include <string.h>

#include "computer_name.h"
#include "session.h"
#include "verbs.h"

static const struct column list_columns[] = {
    { "uuid", "UUID", COLUMN_TEXT },
    { "fqdn", "FQDN", COLUMN_TEXT },
    { "address", "ADDRESS", COLUMN_TEXT },
    { "amt_status_name", "STATUS", COLUMN_TEXT },
    { "firmware_version", "FIRMWARE", COLUMN_TEXT },
    { "profile", "PROFILE", COLUMN_TEXT },
    { "blocked", "BLOCKED", COLUMN_BOOLEAN },
    { "reason_code", "CODE", COLUMN_TEXT },
    { "reason", "REASON", COLUMN_TEXT },
    { "short_name", NULL, COLUMN_TEXT },
    { "mac", NULL, COLUMN_TEXT },
    { "amt_status", NULL, COLUMN_NUMBER },
    { "provisioned_at", NULL, COLUMN_TEXT },
    { "managed_in_band", NULL, COLUMN_BOOLEAN },
    { "auto_reprovision", NULL, COLUMN_BOOLEAN },
    { "last_hello_at", NULL, COLUMN_TEXT },
    { "imported_at", NULL, COLUMN_TEXT },
    { "last_job", NULL, COLUMN_NUMBER },
    { "certificate_not_after", NULL, COLUMN_TEXT },
};

/* "not-provisioned" as the view says it: "not provisioned"; a number stays. */
static bool status_read(const char *given, char *out, size_t size, struct error *err)
{
    static const char *const names[] = { "unknown",         "not supported", "detected",
                                         "not provisioned", "provisioned",   "externally provisioned" };

    if (strlen(given) == 1 && strchr("01234", *given)) {
        snprintf(out, size, "%s", given);
        return true;
    }
    snprintf(out, size, "%s", given);
    for (char *at = out; *at; at++)
        *at = *at == '-' || *at == '_' ? ' ' : *at;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(out, names[i]) == 0)
            return true;
    }
    return error_set(
        err, ERROR_INPUT,
        "'%.40s' is no status; use unknown, not-supported, detected, not-provisioned, provisioned or "
        "externally-provisioned",
        given);
}

static bool limit_check(const struct invocation *invocation, struct error *err)
{
    int64_t limit;

    return !invocation->options[OPTION_LIMIT] ||
           number_read(invocation->options[OPTION_LIMIT], "--limit", 1, INT32_MAX, &limit, err);
}

bool computer_list(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    const char *status = invocation->options[OPTION_STATUS];
    char status_name[32];

    if (!limit_check(invocation, err) ||
        (status && !status_read(status, status_name, sizeof(status_name), err)))
        return false;
    parameters_text(parameters, status ? status_name : NULL);
    parameters_text(parameters, invocation->options[OPTION_REASON]);
    parameters_text(parameters, invocation->options[OPTION_PROFILE]);
    parameters_text(parameters, invocation->options[OPTION_SEARCH]);
    parameters_text(parameters, invocation->options[OPTION_LIMIT]);
    return session_show(session, CONTROL_STATEMENT_COMPUTER_LIST, &parameters, list_columns,
                        COUNT_OF(list_columns), err);
}

static const struct column show_columns[] = {
    { "uuid", "UUID", COLUMN_TEXT },
    { "short_name", "short name", COLUMN_TEXT },
    { "fqdn", "FQDN", COLUMN_TEXT },
    { "mac", "MAC address", COLUMN_TEXT },
    { "address", "address", COLUMN_TEXT },
    { "amt_status", NULL, COLUMN_NUMBER },
    { "amt_status_name", "status", COLUMN_TEXT },
    { "reason_code", "reason code", COLUMN_TEXT },
    { "reason", "reason", COLUMN_TEXT },
    { "firmware_version", "firmware", COLUMN_TEXT },
    { "provisioned_at", "provisioned", COLUMN_TEXT },
    { "certificate_not_after", "certificate until", COLUMN_TEXT },
    { "profile", "profile", COLUMN_TEXT },
    { "blocked", "blocked", COLUMN_BOOLEAN },
    { "blocked_why", "blocked because", COLUMN_TEXT },
    { "managed_in_band", "managed in band", COLUMN_BOOLEAN },
    { "auto_reprovision", "re-provisioned by itself", COLUMN_BOOLEAN },
    { "imported_at", "imported", COLUMN_TEXT },
    { "last_hello_at", "last Hello", COLUMN_TEXT },
    { "hello_count", "Hellos", COLUMN_NUMBER },
    { "hello_service_point", "heard by", COLUMN_TEXT },
    { "hello_verdict", "verdict", COLUMN_TEXT },
    { "hello_reason", "verdict because", COLUMN_TEXT },
    { "hello_root_hashes", "trusted roots", COLUMN_TEXT },
    { "proven_by", "proven by", COLUMN_TEXT },
    { "agent_last_seen", "agent last seen", COLUMN_TEXT },
    { "agent_version", "agent's version", COLUMN_TEXT },
    { "agent_public_key", "agent's key", COLUMN_TEXT },
    { "agent_setup_state", "agent saw state", COLUMN_TEXT },
    { "agent_check_text", "agent's check failed", COLUMN_TEXT },
};

static const struct column secret_columns[] = {
    { "id", "ID", COLUMN_NUMBER },
    { "kind", "KIND", COLUMN_TEXT },
    { "state", "STATE", COLUMN_TEXT },
    { "maybe_on_device", "MAYBE ON DEVICE", COLUMN_BOOLEAN },
    { "key_id", "KEY", COLUMN_TEXT },
    { "created_at", "CREATED", COLUMN_TEXT },
    { "activated_at", "ACTIVATED", COLUMN_TEXT },
};

static const struct column job_columns[] = {
    { "id", "JOB", COLUMN_NUMBER },
    { "kind", "KIND", COLUMN_TEXT },
    { "state", "STATE", COLUMN_TEXT },
    { "attempt", "ATTEMPT", COLUMN_NUMBER },
    { "service_point", "SERVICE POINT", COLUMN_TEXT },
    { "requested_at", "REQUESTED", COLUMN_TEXT },
    { "requested_by", "BY", COLUMN_TEXT },
    { "finished_at", "FINISHED", COLUMN_TEXT },
    { "reason_code", "CODE", COLUMN_TEXT },
    { "reason", "REASON", COLUMN_TEXT },
};

static bool table_of_computer(struct session *session, int statement, const struct uuid *uuid,
                              const struct column *columns, size_t column_count, struct table **table,
                              struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_uuid(parameters, uuid);
    return session_table(session, statement, &parameters, columns, column_count, table, err);
}

bool computer_show(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(table_free) struct table *computer = NULL;
    AUTO(table_free) struct table *secrets = NULL;
    AUTO(table_free) struct table *jobs = NULL;
    struct uuid uuid;

    if (!computer_find(session, invocation->arguments[0], &uuid, err) ||
        !table_of_computer(session, CONTROL_STATEMENT_COMPUTER_SHOW, &uuid, show_columns,
                           COUNT_OF(show_columns), &computer, err) ||
        !table_of_computer(session, CONTROL_STATEMENT_COMPUTER_SECRETS, &uuid, secret_columns,
                           COUNT_OF(secret_columns), &secrets, err) ||
        !table_of_computer(session, CONTROL_STATEMENT_COMPUTER_JOBS, &uuid, job_columns,
                           COUNT_OF(job_columns), &jobs, err))
        return false;
    table_print_sections(
        (const struct table_section[]){
            { "computer", NULL, SHAPE_RECORD, computer },
            { "secrets", "Passwords that this site holds:", SHAPE_LIST, secrets },
            { "jobs", "Last jobs:", SHAPE_LIST, jobs },
        },
        3, session->json, stdout);
    return true;
}

/* What a verb does to each of the computers it is given, in one transaction. */
struct deed {
    int statement;
    size_t first; /* argument that names the first computer */
    void (*bind)(struct parameters *parameters,
                 const struct invocation *invocation); /* what follows the UUID */
    const char *key, *done;                            /* for JSON, for people */
};

static bool deed_do(struct session *session, const struct invocation *invocation, const struct deed *deed,
                    struct error *err)
{
    size_t count = invocation->argument_count - deed->first;

    if (!database_begin(session->database, err))
        return false;
    for (size_t i = deed->first; i < invocation->argument_count; i++) {
        AUTO(parameters_free) struct parameters *parameters = parameters_new();
        struct uuid uuid;

        if (!computer_find(session, invocation->arguments[i], &uuid, err))
            return false;
        parameters_uuid(parameters, &uuid);
        if (deed->bind)
            deed->bind(parameters, invocation);
        if (!session_do(session, deed->statement, &parameters, err))
            return false;
    }
    if (!database_commit(session->database, err))
        return false;
    if (session->json)
        printf("{\"%s\": %zu}\n", deed->key, count);
    else
        printf("%zu computer%s %s\n", count, count == 1 ? "" : "s", deed->done);
    return true;
}

static void bind_why(struct parameters *parameters, const struct invocation *invocation)
{
    parameters_text(parameters, invocation->options[OPTION_WHY]);
}

static void bind_first_word(struct parameters *parameters, const struct invocation *invocation)
{
    parameters_text(parameters, invocation->arguments[0]);
}

static void bind_switch(struct parameters *parameters, const struct invocation *invocation)
{
    parameters_bool(parameters, strcmp(invocation->arguments[0], "on") == 0);
}

bool computer_block(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct deed deed = { CONTROL_STATEMENT_COMPUTER_BLOCK, 0, bind_why, "blocked", "blocked" };

    return deed_do(session, invocation, &deed, err);
}

bool computer_unblock(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct deed deed = { CONTROL_STATEMENT_COMPUTER_UNBLOCK, 0, NULL, "unblocked", "unblocked" };

    return deed_do(session, invocation, &deed, err);
}

static void bind_forget(struct parameters *parameters, const struct invocation *invocation)
{
    parameters_bool(parameters, invocation->options[OPTION_FORGET_PASSWORDS] != NULL);
}

bool computer_remove(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct deed deed = { CONTROL_STATEMENT_COMPUTER_REMOVE, 0, bind_forget, "removed",
                                      "removed" };

    return deed_do(session, invocation, &deed, err);
}

bool computer_profile(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct deed deed = { CONTROL_STATEMENT_COMPUTER_PROFILE, 1, bind_first_word, "changed",
                                      "changed; the profile takes effect with the next job" };

    return deed_do(session, invocation, &deed, err);
}

bool computer_reprovision(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct deed deed = { CONTROL_STATEMENT_COMPUTER_REPROVISION, 1, bind_switch, "changed",
                                      "changed" };

    if (strcmp(invocation->arguments[0], "on") != 0 && strcmp(invocation->arguments[0], "off") != 0)
        return error_set(
            err, ERROR_INPUT,
            "'%.40s' is neither on nor off; write: amtctl computer reprovision on|off UUID|FQDN...",
            invocation->arguments[0]);
    return deed_do(session, invocation, &deed, err);
}

bool computer_in_band(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct deed deed = { CONTROL_STATEMENT_COMPUTER_IN_BAND, 0, NULL, "changed",
                                      "left to the client agent; Hellos are discarded" };

    return deed_do(session, invocation, &deed, err);
}

bool computer_out_of_band(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct deed deed = { CONTROL_STATEMENT_COMPUTER_OUT_OF_BAND, 0, NULL, "changed",
                                      "provisioned by Hello messages from now on" };

    return deed_do(session, invocation, &deed, err);
}

bool computer_unbind(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct deed deed = { CONTROL_STATEMENT_COMPUTER_UNBIND, 0, NULL, "unbound",
                                      "unbound; the next agent with a token is bound" };

    return deed_do(session, invocation, &deed, err);
}

static void bind_policy(struct parameters *parameters, const struct invocation *invocation)
{
    const char *provision = NULL, *enable_amt = NULL;
    struct error none;

    (void)!in_band_switches(invocation, &provision, &enable_amt, &none); /* checked before */
    parameters_text(parameters, provision);
    parameters_text(parameters, enable_amt);
}

bool computer_policy(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct deed deed = { CONTROL_STATEMENT_COMPUTER_POLICY, 0, bind_policy, "changed",
                                      "changed; the agent learns it when it comes back" };
    const char *provision, *enable_amt;

    return in_band_switches(invocation, &provision, &enable_amt, err) &&
           deed_do(session, invocation, &deed, err);
}

static const struct column unknown_columns[] = {
    { "uuid", "UUID", COLUMN_TEXT },
    { "address", "ADDRESS", COLUMN_TEXT },
    { "service_point", "HEARD BY", COLUMN_TEXT },
    { "count", "HELLOS", COLUMN_NUMBER },
    { "first_seen", "FIRST", COLUMN_TEXT },
    { "last_seen", "LAST", COLUMN_TEXT },
    { "root_hashes", NULL, COLUMN_JSON },
};

bool computer_unknown(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    if (!limit_check(invocation, err))
        return false;
    parameters_text(parameters, invocation->options[OPTION_LIMIT]);
    return session_show(session, CONTROL_STATEMENT_COMPUTER_UNKNOWN, &parameters, unknown_columns,
                        COUNT_OF(unknown_columns), err);
}
