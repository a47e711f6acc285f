#include <stdio.h>
#include <string.h>

#include "password_input.h"
#include "session.h"
#include "verbs.h"

#define ACCOUNT_PASSWORD_MAX 32 /* octets AMT takes as a Digest password */

/* Old firmware may hold passwords that today's rules refuse, such as the factory default; they are tried as
 * they are. Only what no firmware can hold is refused. */
static bool check_password(const struct secret *password, struct error *err)
{
    if (secret_length(password) > ACCOUNT_PASSWORD_MAX)
        return error_set(err, ERROR_INPUT, "the password has %zu characters; AMT takes at most %d",
                         secret_length(password), ACCOUNT_PASSWORD_MAX);
    if (memchr(secret_reveal(password), '\0', secret_length(password)))
        return error_set(err, ERROR_INPUT, "the password contains a NUL character");
    return true;
}

static bool seal_password(struct session *session, const struct invocation *invocation, struct sealed *sealed,
                          struct error *err)
{
    AUTO(secret_free) struct secret *password = NULL;
    struct vault *vault;
    char place[VAULT_PLACE_SIZE];

    /* The keys first: nobody should type a password that then cannot be kept. */
    return session_vault(session, &vault, err) &&
           password_input("Password", invocation->options[OPTION_PASSWORD_FILE], &password, err) &&
           check_password(password, err) &&
           vault_seal(vault, vault_place_account(invocation->arguments[0], place), password, sealed, err);
}

bool account_add(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    const char *user = invocation->options[OPTION_USER], *position = invocation->options[OPTION_POSITION];
    int64_t number;

    if (position && !number_read(position, "--position", 1, INT32_MAX, &number, err))
        return false;
    if (!seal_password(session, invocation, &sealed, err))
        return false;
    parameters_text(parameters, invocation->arguments[0]);
    parameters_text(parameters, user ? user : "admin");
    parameters_text(parameters, position);
    parameters_sealed(parameters, &sealed);
    if (!session_do(session, CONTROL_STATEMENT_ACCOUNT_ADD, &parameters, err))
        return false;
    if (session->json)
        printf("{\"added\": true}\n");
    else
        printf("account %s added\n", invocation->arguments[0]);
    return true;
}

bool account_list(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct column columns[] = {
        { "position", "POSITION", COLUMN_NUMBER },
        { "name", "NAME", COLUMN_TEXT },
        { "username", "USER", COLUMN_TEXT },
    };
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    (void)invocation;
    return session_show(session, CONTROL_STATEMENT_ACCOUNT_LIST, &parameters, columns, COUNT_OF(columns),
                        err);
}

bool account_remove(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, invocation->arguments[0]);
    if (!session_do(session, CONTROL_STATEMENT_ACCOUNT_REMOVE, &parameters, err))
        return false;
    if (session->json)
        printf("{\"removed\": true}\n");
    else
        printf("account %s removed\n", invocation->arguments[0]);
    return true;
}
