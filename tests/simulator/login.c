#include "login.h"

#include "encoding.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

enum { FIRST_LOCK_S = 5, LONGEST_LOCK_S = 80, FAILURES_FORGOTTEN_S = 3600 };

const char *login_challenge(struct login *login, double now)
{
    struct nonce *nonce = &login->nonces[login->oldest];
    unsigned char bytes[NONCE_LENGTH / 4 * 3];
    struct text text = { 0 };

    RAND_bytes(bytes, sizeof(bytes));
    base64_append(&text, bytes, sizeof(bytes));
    *nonce = (struct nonce){ .issued = now };
    memcpy(nonce->text, text.bytes, NONCE_LENGTH);
    text_release(&text);
    login->oldest = (login->oldest + 1) % NONCE_SLOTS;
    return nonce->text;
}

void login_forget_nonces(struct login *login)
{
    memset(login->nonces, 0, sizeof(login->nonces));
}

static struct nonce *find_nonce(struct login *login, const char *text)
{
    for (unsigned i = 0; i < NONCE_SLOTS; i++)
        if (*login->nonces[i].text && !strcmp(login->nonces[i].text, text))
            return &login->nonces[i];
    return NULL;
}

static bool nonce_good(const struct nonce *nonce, const struct login_attempt *attempt, uint32_t count)
{
    if (!nonce || count <= nonce->last_count)
        return false;
    if (attempt->limits.uses && nonce->uses >= attempt->limits.uses)
        return false;
    return !attempt->limits.seconds || attempt->now - nonce->issued <= attempt->limits.seconds;
}

static bool response_right(const struct login_attempt *attempt, const struct digest_credentials *credentials,
                           const unsigned char *a1)
{
    char expected[DIGEST_RESPONSE_ROOM];

    if (!a1 || strcmp(credentials->realm, attempt->realm) || strcmp(credentials->uri, attempt->path))
        return false;
    if (!(attempt->plain_allowed && !strcmp(credentials->qop, "auth")) &&
        !(attempt->integrity_allowed && !strcmp(credentials->qop, "auth-int")))
        return false;
    digest_response(a1, credentials, attempt->method, attempt->body, attempt->body_length, expected);
    return !CRYPTO_memcmp(expected, credentials->response, DIGEST_RESPONSE_ROOM);
}

static void count_failure(struct login *login, double now)
{
    login->failures++;
    login->last_failure = now;
    if (login->failures < LOGIN_FAILURES_ALLOWED)
        return;
    login->lock_s = login->lock_s ? login->lock_s * 2 : FIRST_LOCK_S;
    if (login->lock_s > LONGEST_LOCK_S)
        login->lock_s = LONGEST_LOCK_S;
    login->locked_until = now + login->lock_s;
}

enum login_verdict login_check(struct login *login, const struct login_attempt *attempt,
                               const struct digest_credentials *credentials, const unsigned char *a1)
{
    struct nonce *nonce = find_nonce(login, credentials->nonce);

    if (login->failures && attempt->now - login->last_failure > FAILURES_FORGOTTEN_S)
        login->failures = login->lock_s = 0;
    if (attempt->now < login->locked_until)
        return LOGIN_LOCKED;
    if (!response_right(attempt, credentials, a1)) {
        count_failure(login, attempt->now);
        return LOGIN_WRONG;
    }
    if (!nonce_good(nonce, attempt, credentials->count))
        return LOGIN_STALE;
    nonce->last_count = credentials->count;
    nonce->uses++;
    login->failures = login->lock_s = 0;
    return LOGIN_ACCEPTED;
}
