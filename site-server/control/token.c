#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "agents/enrolment.h"
#include "common/encoding.h"
#include "computer_name.h"
#include "session.h"
#include "verbs.h"

#define TOKEN_BYTES       32 /* random: nobody guesses one, and a plain hash of it tells nothing */
#define LIFETIME_DAYS     30
#define LIFETIME_DAYS_MAX 3650

static bool make_token(struct secret **token, unsigned char hash[TOKEN_HASH_BYTES], struct error *err)
{
    unsigned char bytes[TOKEN_BYTES];
    char text[2 * TOKEN_BYTES + 1];
    bool made = RAND_bytes(bytes, sizeof(bytes)) == 1;

    *token = secret_from_text(made ? hex_encode(bytes, sizeof(bytes), text) : "");
    secret_wipe(bytes, sizeof(bytes));
    secret_wipe(text, sizeof(text));
    return (made && token_hash(*token, hash)) ||
           error_set(err, ERROR_INTERNAL, "no random bytes or no SHA-256 from libcrypto");
}

/* The computer need not be known: it may enrol with this very token. */
static bool read_owner(struct session *session, const char *given, struct uuid *uuid, struct error *err)
{
    return uuid_parse(given, uuid) || computer_find(session, given, uuid, err);
}

static bool store(struct session *session, const struct invocation *invocation, const unsigned char *hash,
                  struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    const char *owner = invocation->options[OPTION_COMPUTER];
    int64_t days = LIFETIME_DAYS;
    struct uuid uuid;

    if (invocation->options[OPTION_DAYS] &&
        !number_read(invocation->options[OPTION_DAYS], "--days", 1, LIFETIME_DAYS_MAX, &days, err))
        return false;
    if (owner && !read_owner(session, owner, &uuid, err))
        return false;
    parameters_text(parameters, invocation->arguments[0]);
    parameters_bytes(parameters, hash, TOKEN_HASH_BYTES);
    parameters_number(parameters, days);
    parameters_uuid(parameters, owner ? &uuid : NULL);
    return session_do(session, CONTROL_STATEMENT_TOKEN_CREATE, &parameters, err);
}

/* Its text is printed once, alone, so that it can be written into a file; the database never sees it. */
bool token_create(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(secret_free) struct secret *token = NULL;
    unsigned char hash[TOKEN_HASH_BYTES];

    if (!make_token(&token, hash, err) || !store(session, invocation, hash, err))
        return false;
    printf(session->json ? "{\"token\": \"%s\"}\n" : "%s\n", secret_reveal(token));
    return true;
}

bool token_revoke(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, invocation->arguments[0]);
    if (!session_do(session, CONTROL_STATEMENT_TOKEN_REVOKE, &parameters, err))
        return false;
    puts(session->json ? "{\"revoked\": 1}" : "token revoked; agents that it bound stay bound");
    return true;
}

bool token_list(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const struct column columns[] = {
        { "name", "NAME", COLUMN_TEXT },
        { "state", "STATE", COLUMN_TEXT },
        { "owner", "FOR", COLUMN_TEXT },
        { "uses", "USES", COLUMN_NUMBER },
        { "expires_at", "EXPIRES", COLUMN_TEXT },
        { "last_used_at", "LAST USED", COLUMN_TEXT },
        { "created_at", "CREATED", COLUMN_TEXT },
        { "created_by", "BY", COLUMN_TEXT },
        { "uuid", NULL, COLUMN_TEXT },
        { "revoked_at", NULL, COLUMN_TEXT },
        { "revoked_by", NULL, COLUMN_TEXT },
    };
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    (void)invocation;
    return session_show(session, CONTROL_STATEMENT_TOKEN_LIST, &parameters, columns, COUNT_OF(columns), err);
}
