#include <string.h>

#include "session.h"
#include "verbs.h"

bool rollout_list(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct column columns[] = {
        { "profile", "PROFILE", COLUMN_TEXT },
        { "state", "STATE", COLUMN_TEXT },
        { "under_way", "UNDER WAY", COLUMN_NUMBER },
        { "waiting", "WAITING", COLUMN_NUMBER },
        { "judged", "JUDGED", COLUMN_NUMBER },
        { "failed", "FAILED", COLUMN_NUMBER },
        { "worst_reason", "MOST OFTEN", COLUMN_TEXT },
        { "wave_size", "WAVE SIZE", COLUMN_NUMBER },
        { "per_subnet", "PER SUBNET", COLUMN_NUMBER },
        { "failures", "FAILURES", COLUMN_NUMBER },
        { "failures_one_reason", "ONE REASON", COLUMN_NUMBER },
        { "judged_last", "OF LAST", COLUMN_NUMBER },
        { "halted_why", "HALTED BECAUSE", COLUMN_TEXT },
        { "halted_at", NULL, COLUMN_TEXT },
        { "halted_by", NULL, COLUMN_TEXT },
        { "worst_count", NULL, COLUMN_NUMBER },
        { "subnet_bits", NULL, COLUMN_NUMBER },
        { "subnet_bits_ipv6", NULL, COLUMN_NUMBER },
        { "lost_contact_counts", NULL, COLUMN_BOOLEAN },
        { "counted_from", NULL, COLUMN_TEXT },
    };
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    (void)invocation;
    return session_show(session, CONTROL_STATEMENT_ROLLOUT_LIST, &parameters, columns, COUNT_OF(columns),
                        err);
}

/* KEY=VALUE...: "none" is no limit, "on" and "off" switch. What may stand there is the database's to judge.
 */
bool rollout_set(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *keys, *values;

    parameters_text(parameters, invocation->arguments[0]);
    keys = parameters_texts(parameters);
    values = parameters_texts(parameters);
    for (size_t i = 1; i < invocation->argument_count; i++) {
        const char *setting = invocation->arguments[i], *value = strchr(setting, '=');
        AUTO(text_free) char *key = NULL;

        if (!value)
            return error_set(err, ERROR_INPUT, "'%s' is not KEY=VALUE, such as wave_size=100", setting);
        key = text_format("%.*s", (int)(value - setting), setting);
        array_add_text(keys, key);
        array_add_text(values, value + 1);
    }
    return session_do(session, CONTROL_STATEMENT_ROLLOUT_SET, &parameters, err);
}

bool rollout_halt(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, invocation->arguments[0]);
    parameters_text(parameters, invocation->options[OPTION_WHY]);
    return session_do(session, CONTROL_STATEMENT_ROLLOUT_HALT, &parameters, err);
}

bool rollout_resume(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, invocation->arguments[0]);
    return session_do(session, CONTROL_STATEMENT_ROLLOUT_RESUME, &parameters, err);
}
