#include <stdio.h>
#include <string.h>

#include "session.h"
#include "verbs.h"

/* on, off, or absent and "profile": NULL. */
static bool read_switch(const struct invocation *invocation, enum option_id option, const char *name,
                        const char **value, struct error *err)
{
    const char *given = invocation->options[option];

    *value = NULL;
    if (!given || strcmp(given, "profile") == 0)
        return true;
    if (strcmp(given, "on") != 0 && strcmp(given, "off") != 0)
        return error_set(err, ERROR_INPUT, "%s: '%.40s' is none of on, off and profile", name, given);
    *value = given;
    return true;
}

bool in_band_switches(const struct invocation *invocation, const char **provision, const char **enable_amt,
                      struct error *err)
{
    return read_switch(invocation, OPTION_PROVISION, "--provision", provision, err) &&
           read_switch(invocation, OPTION_ENABLE_AMT, "--enable-amt", enable_amt, err);
}

/* Root hashes that count stand behind the profile's name; none: those of the service points' certificates. */
bool profile_in_band(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    const char *provision, *enable_amt;
    struct array *roots;

    if (!in_band_switches(invocation, &provision, &enable_amt, err))
        return false;
    parameters_text(parameters, invocation->arguments[0]);
    parameters_text(parameters, provision);
    parameters_text(parameters, enable_amt);
    roots = parameters_texts(parameters);
    for (size_t i = 1; i < invocation->argument_count; i++)
        array_add_text(roots, invocation->arguments[i]);
    if (!session_do(session, CONTROL_STATEMENT_PROFILE_IN_BAND, &parameters, err))
        return false;
    if (session->json)
        printf("{\"changed\": 1}\n");
    else
        printf("in-band policy of profile %s set; agents learn it when they come back\n",
               invocation->arguments[0]);
    return true;
}

bool agent_list(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct column columns[] = {
        { "fqdn", "COMPUTER", COLUMN_TEXT },
        { "bound", "BOUND", COLUMN_BOOLEAN },
        { "last_seen", "LAST SEEN", COLUMN_TEXT },
        { "agent_version", "VERSION", COLUMN_TEXT },
        { "wired_address", "WIRED ADDRESS", COLUMN_TEXT },
        { "setup_state", "STATE", COLUMN_TEXT },
        { "check_reason_code", "CODE", COLUMN_TEXT },
        { "check_text", "CHECK FAILED", COLUMN_TEXT },
        { "uuid", NULL, COLUMN_TEXT },
        { "public_key", NULL, COLUMN_TEXT },
        { "token", NULL, COLUMN_TEXT },
        { "address", NULL, COLUMN_TEXT },
        { "dns_suffix", NULL, COLUMN_TEXT },
        { "control_mode", NULL, COLUMN_TEXT },
    };
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, invocation->options[OPTION_SEARCH]);
    parameters_text(parameters, invocation->options[OPTION_LIMIT]);
    return session_show(session, CONTROL_STATEMENT_AGENT_LIST, &parameters, columns, COUNT_OF(columns), err);
}
