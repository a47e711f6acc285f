#include <openssl/rand.h>
#include <string.h>

#include "common/encoding.h"
#include "firmware/connection_state.h"

void login_clear(struct digest_session *login)
{
    text_free(&login->user);
    secret_free(&login->password);
    secret_wipe(login, sizeof(*login));
}

/* ---- answering a challenge ---- */

static bool challenge_take(struct connection *connection, struct error *err)
{
    struct carrying *carrying = &connection->carrying;
    struct digest_session *login = &connection->login;
    uint8_t random[16];

    if (!carrying->has_challenge) {
        *err = carrying->challenge_problem;
        if (err->code == ERROR_NONE)
            error_set(err, ERROR_PROTOCOL, "no WWW-Authenticate header");
        err->reason = REASON_HTTP_ERROR;
        return error_during(err, "%s answered 401", connection->address);
    }
    if (RAND_bytes(random, sizeof(random)) != 1)
        return error_set(err, ERROR_INTERNAL, "no random bytes from libcrypto");
    login->challenge = carrying->challenge;
    login->challenged = true;
    login->nonce_count = 0;
    hex_encode(random, sizeof(random), login->cnonce);
    memcpy(connection->realm, login->challenge.realm, sizeof(connection->realm));
    if (login->user)
        digest_a1(login->user, login->challenge.realm, login->password, login->a1);
    return true;
}

static bool authorization_make(struct connection *connection, const struct exchange *request,
                               char header[DIGEST_HEADER_SIZE], struct error *err)
{
    struct digest_session *login = &connection->login;
    struct digest_answer answer = { .user = login->user,
                                    .a1 = login->a1,
                                    .method = "POST",
                                    .uri = request->path,
                                    .cnonce = login->cnonce,
                                    .nonce_count = ++login->nonce_count,
                                    .body = request->body,
                                    .body_length = request->length };

    return digest_authorization(&login->challenge, &answer, header, err);
}

/* ---- logging in (spec O4, O5) ---- */

/*
 * Sends the request with the credential at hand, if there is one. A 401 to a nonce that was used before, or
 * one that says "stale", is answered with the new nonce; a 401 to a fresh one is a refusal. At most three
 * requests in all.
 */
enum login_verdict login_exchange(struct connection *connection, const struct exchange *request,
                                  struct exchange_reply *reply, struct error *err)
{
    struct digest_session *login = &connection->login;
    int64_t until_ms = connection_request_end(connection);

    for (unsigned requests = 1;; requests++) {
        char authorization[DIGEST_HEADER_SIZE] = "";
        bool answering = login->user && login->challenged;
        bool fresh = answering && login->nonce_count == 0;

        if (answering && !authorization_make(connection, request, authorization, err))
            return LOGIN_FAILED;
        if (!exchange_once(connection, request, authorization, reply, until_ms, err))
            return LOGIN_FAILED;
        if (reply->status != 401)
            return LOGIN_ANSWERED;
        if (!challenge_take(connection, err))
            return LOGIN_FAILED;
        if (!login->user || requests == 3 || (fresh && !login->challenge.stale))
            return LOGIN_REFUSED;
    }
}

bool connection_exchange(struct connection *connection, const struct exchange *request,
                         struct exchange_reply *reply, struct error *err)
{
    switch (login_exchange(connection, request, reply, err)) {
    case LOGIN_ANSWERED:
        return true;
    case LOGIN_REFUSED:
        return error_because(err, REASON_NO_ACCOUNT_ACCEPTED, "%s refuses %s%s", connection->address,
                             connection->login.user ? "the password of user " : "requests without a password",
                             connection->login.user ? connection->login.user : "");
    default:
        return false;
    }
}

void connection_use_credential(struct connection *connection, const char *user, const struct secret *password)
{
    char *new_user = text_copy(user);
    struct secret *new_password = secret_copy(password);
    bool was_challenged = connection->login.challenged;

    login_clear(&connection->login);
    connection->login.user = new_user;
    connection->login.password = new_password;
    if (was_challenged)
        connection_drop(connection); /* with its TLS session, which AMT may remember as logged in */
}

#define MAJOR_EMPTY_PASSWORD 6 /* the first that may take it */

static bool worth_sending(const struct connection *connection, const struct account *candidate)
{
    unsigned major = connection_release(connection).major;

    return major == 0 || major >= MAJOR_EMPTY_PASSWORD || secret_length(candidate->password) > 0;
}

static bool candidates_try(struct connection *connection, const struct exchange *request,
                           const struct account *candidates, size_t count, size_t attempts,
                           struct authentication *authentication, struct error *err)
{
    struct exchange_reply reply;

    for (size_t i = 0; i < count && attempts > 0; i++) {
        struct digest_session *login = &connection->login;

        if (!worth_sending(connection, &candidates[i])) {
            authentication->refused++;
            continue;
        }
        attempts--;
        /* The challenge at hand is fresh: it came with the last 401 and nothing has answered it yet. */
        text_set(&login->user, candidates[i].username);
        secret_free(&login->password);
        login->password = secret_copy(candidates[i].password);
        digest_a1(login->user, login->challenge.realm, login->password, login->a1);
        switch (login_exchange(connection, request, &reply, err)) {
        case LOGIN_ANSWERED:
            if (!exchange_status_check(connection, reply.status, err))
                return false;
            authentication->accepted = true;
            authentication->accepted_index = i;
            return true;
        case LOGIN_REFUSED:
            authentication->refused++;
            break;
        default:
            return false;
        }
    }
    text_free(&connection->login.user);
    secret_free(&connection->login.password);
    return error_because(
        err, authentication->refused < count ? REASON_MORE_ACCOUNTS : REASON_NO_ACCOUNT_ACCEPTED,
        "%s refused %zu of %zu accounts", connection->address, authentication->refused, count);
}

bool connection_authenticate(struct connection *connection, const struct account *candidates, size_t count,
                             unsigned attempts_max, struct authentication *authentication, struct error *err)
{
    struct interface_found found;

    *authentication = (struct authentication){ 0 };
    login_clear(&connection->login);
    if (!interface_find(connection, &found, err))
        return false;
    authentication->interface = found.interface;
    authentication->challenged = found.challenged;
    return !found.challenged ||
           candidates_try(connection, found.probe, candidates, count, attempts_max, authentication, err);
}
