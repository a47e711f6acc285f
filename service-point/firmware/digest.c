#include "firmware/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/encoding.h"

/* ---- MD5 ---- */

struct md5 {
    EVP_MD_CTX *context;
};

static void md5_begin(struct md5 *md5)
{
    md5->context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(md5->context, EVP_md5(), NULL);
}

static void md5_add(struct md5 *md5, const void *data, size_t length)
{
    EVP_DigestUpdate(md5->context, data, length);
}

static void md5_add_text(struct md5 *md5, const char *text)
{
    md5_add(md5, text, strlen(text));
}

static void md5_end(struct md5 *md5, uint8_t hash[DIGEST_HASH_SIZE])
{
    EVP_DigestFinal_ex(md5->context, hash, NULL);
    EVP_MD_CTX_free(md5->context);
}

/* ---- reading a challenge (RFC 2617 3.2.1, RFC 7235 2.1) ---- */

struct reader {
    const char *at, *end;
};

static bool is_token_character(char c)
{
    return c > ' ' && c < 127 && !strchr("()<>@,;:\\\"/[]?={}", c);
}

static void skip_blanks(struct reader *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t'))
        in->at++;
}

static void skip_separators(struct reader *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == ','))
        in->at++;
}

/* The token at the reader, which moves behind it; length 0 when there is none. */
static struct reader read_token(struct reader *in)
{
    struct reader token = { in->at, in->at };

    while (in->at < in->end && is_token_character(*in->at))
        in->at++;
    token.end = in->at;
    return token;
}

static bool token_is(struct reader token, const char *text)
{
    return (size_t)(token.end - token.at) == strlen(text) && strncasecmp(token.at, text, strlen(text)) == 0;
}

/* A token or a quoted string, unescaped, into out. */
static bool read_value(struct reader *in, char *out, size_t out_size)
{
    size_t length = 0;
    bool quoted = in->at < in->end && *in->at == '"';

    if (quoted)
        in->at++;
    for (;; in->at++) {
        if (in->at == in->end) {
            if (quoted)
                return false;
            break;
        }
        if (quoted && *in->at == '"') {
            in->at++;
            break;
        }
        if (!quoted && !is_token_character(*in->at))
            break;
        if (quoted && *in->at == '\\' && ++in->at == in->end)
            return false;
        if (length + 1 >= out_size)
            return false;
        out[length++] = *in->at;
    }
    out[length] = '\0';
    return true;
}

struct found {
    bool realm, nonce, qop;
    char algorithm[32];
};

static bool qop_choose(const char *offered, enum digest_qop *qop)
{
    struct reader in = { offered, offered + strlen(offered) };
    bool auth_int = false;

    while (in.at < in.end) {
        struct reader token;

        skip_separators(&in);
        token = read_token(&in);
        if (token_is(token, "auth")) {
            *qop = DIGEST_QOP_AUTH;
            return true;
        }
        auth_int = auth_int || token_is(token, "auth-int");
        if (token.at == token.end && in.at < in.end)
            return false;
    }
    *qop = DIGEST_QOP_AUTH_INT;
    return auth_int;
}

static bool parameter_store(struct reader name, struct reader *in, struct digest_challenge *challenge,
                            struct found *found, struct error *err)
{
    char value[DIGEST_NONCE_SIZE];
    char *out = value;
    size_t size = sizeof(value);

    if (token_is(name, "realm")) {
        out = challenge->realm;
        size = sizeof(challenge->realm);
        found->realm = true;
    } else if (token_is(name, "nonce")) {
        out = challenge->nonce;
        size = sizeof(challenge->nonce);
        found->nonce = true;
    } else if (token_is(name, "opaque")) {
        out = challenge->opaque;
        size = sizeof(challenge->opaque);
        challenge->has_opaque = true;
    } else if (token_is(name, "algorithm")) {
        out = found->algorithm;
        size = sizeof(found->algorithm);
        challenge->names_algorithm = true;
    }
    if (!read_value(in, out, size))
        return error_set(err, ERROR_PROTOCOL,
                         "RFC 2617 3.2.1: parameter %.*s of the challenge is too long or not ended",
                         (int)(name.end - name.at), name.at);
    if (token_is(name, "stale"))
        challenge->stale = strcasecmp(value, "true") == 0;
    if (token_is(name, "qop")) {
        found->qop = true;
        if (!qop_choose(value, &challenge->qop))
            return error_set(err, ERROR_PROTOCOL,
                             "RFC 2617 3.2.1: no qop of the challenge is auth or auth-int");
    }
    return true;
}

static bool challenge_check(const struct digest_challenge *challenge, const struct found *found,
                            struct error *err)
{
    if (!found->realm || !found->nonce || !*challenge->nonce)
        return error_set(err, ERROR_PROTOCOL, "RFC 2617 3.2.1: the Digest challenge has no %s",
                         found->realm ? "nonce" : "realm");
    if (challenge->names_algorithm && strcasecmp(found->algorithm, "MD5") != 0)
        return error_set(
            err, ERROR_PROTOCOL,
            "the Digest challenge asks for algorithm %s; AMT uses MD5, and nothing else is answered",
            found->algorithm);
    if (!found->qop)
        return error_set(err, ERROR_PROTOCOL, "the Digest challenge offers no qop; AMT offers auth");
    return true;
}

/* The parameters of the challenge at the reader, up to the next scheme or the end. */
static bool parameters_read(struct reader *in, struct digest_challenge *challenge, struct error *err)
{
    struct found found = { 0 };

    while (in->at < in->end) {
        struct reader start, name;

        skip_separators(in);
        start = *in;
        name = read_token(in);
        skip_blanks(in);
        if (name.at == name.end || in->at == in->end || *in->at != '=') {
            *in = start; /* another scheme, or the end */
            break;
        }
        in->at++;
        skip_blanks(in);
        if (!parameter_store(name, in, challenge, &found, err))
            return false;
    }
    return challenge_check(challenge, &found, err);
}

/* What follows the name of another scheme: its token68 or its parameters. */
static void scheme_skip(struct reader *in)
{
    bool quoted = false;

    skip_blanks(in);
    for (; in->at < in->end; in->at++) {
        if (*in->at == '"')
            quoted = !quoted;
        else if (quoted && *in->at == '\\' && in->at + 1 < in->end)
            in->at++;
        else if (!quoted && *in->at == ',')
            return;
    }
}

bool digest_challenge_parse(const char *header, size_t length, struct digest_challenge *challenge,
                            struct error *err)
{
    struct reader in = { header, header + length };

    if (length > DIGEST_CHALLENGE_MAX_BYTES)
        return error_set(err, ERROR_PROTOCOL, "a WWW-Authenticate header of %zu bytes; at most %d are taken",
                         length, DIGEST_CHALLENGE_MAX_BYTES);
    while (in.at < in.end) {
        struct reader scheme;

        skip_separators(&in);
        scheme = read_token(&in);
        if (token_is(scheme, "Digest")) {
            struct digest_challenge parsed = { 0 };

            if (!parameters_read(&in, &parsed, err))
                return false;
            *challenge = parsed;
            return true;
        }
        if (scheme.at == scheme.end && in.at < in.end)
            in.at++;
        scheme_skip(&in);
    }
    return error_set(err, ERROR_ABSENT, "the firmware offers no Digest authentication");
}

/* ---- answering ---- */

void digest_a1(const char *user, const char *realm, const struct secret *password,
               uint8_t a1[DIGEST_HASH_SIZE])
{
    struct md5 md5;

    md5_begin(&md5);
    md5_add_text(&md5, user);
    md5_add_text(&md5, ":");
    md5_add_text(&md5, realm);
    md5_add_text(&md5, ":");
    md5_add(&md5, secret_reveal(password), secret_length(password));
    md5_end(&md5, a1);
}

static void hash_a2(enum digest_qop qop, const struct digest_answer *answer,
                    char hex[2 * DIGEST_HASH_SIZE + 1])
{
    uint8_t hash[DIGEST_HASH_SIZE];
    struct md5 md5;

    if (qop == DIGEST_QOP_AUTH_INT) {
        md5_begin(&md5);
        md5_add(&md5, answer->body, answer->body_length);
        md5_end(&md5, hash);
        hex_encode(hash, sizeof(hash), hex);
    }
    md5_begin(&md5);
    md5_add_text(&md5, answer->method);
    md5_add_text(&md5, ":");
    md5_add_text(&md5, answer->uri);
    if (qop == DIGEST_QOP_AUTH_INT) {
        md5_add_text(&md5, ":");
        md5_add_text(&md5, hex);
    }
    md5_end(&md5, hash);
    hex_encode(hash, sizeof(hash), hex);
}

/* Goes between quotes as it is: no escaping, because what cannot stand there is refused. */
static bool fits_in_quotes(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 127 || *text == '"' || *text == '\\')
            return false;
    }
    return true;
}

bool digest_authorization(const struct digest_challenge *challenge, const struct digest_answer *answer,
                          char header[DIGEST_HEADER_SIZE], struct error *err)
{
    static const char *const qop_names[] = { [DIGEST_QOP_AUTH] = "auth", [DIGEST_QOP_AUTH_INT] = "auth-int" };
    const char *qop = qop_names[challenge->qop];
    char a1[2 * DIGEST_HASH_SIZE + 1], a2[2 * DIGEST_HASH_SIZE + 1], response[2 * DIGEST_HASH_SIZE + 1];
    char text[DIGEST_HEADER_SIZE], nc[9];
    uint8_t hash[DIGEST_HASH_SIZE];
    struct md5 md5;
    int length;

    if (!fits_in_quotes(answer->user) || !fits_in_quotes(challenge->realm) ||
        !fits_in_quotes(challenge->nonce) || !fits_in_quotes(challenge->opaque))
        return error_set(err, ERROR_PROTOCOL,
                         "a quote, backslash or control character in user name or challenge");
    snprintf(nc, sizeof(nc), "%08x", (unsigned)answer->nonce_count);
    hash_a2(challenge->qop, answer, a2);
    hex_encode(answer->a1, DIGEST_HASH_SIZE, a1);
    md5_begin(&md5);
    for (size_t i = 0; i < 6; i++) {
        const char *const parts[] = { a1, challenge->nonce, nc, answer->cnonce, qop, a2 };

        if (i)
            md5_add_text(&md5, ":");
        md5_add_text(&md5, parts[i]);
    }
    md5_end(&md5, hash);
    secret_wipe(a1, sizeof(a1));
    hex_encode(hash, sizeof(hash), response);
    length = snprintf(
        text, sizeof(text),
        "Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", qop=%s, nc=%s, cnonce=\"%s\", "
        "response=\"%s\"%s%s%s%s",
        answer->user, challenge->realm, challenge->nonce, answer->uri, qop, nc, answer->cnonce, response,
        challenge->names_algorithm ? ", algorithm=MD5" : "", challenge->has_opaque ? ", opaque=\"" : "",
        challenge->opaque, challenge->has_opaque ? "\"" : "");
    if (length < 0 || (size_t)length >= sizeof(text))
        return error_set(err, ERROR_PROTOCOL, "the Authorization header would be longer than %d bytes",
                         DIGEST_HEADER_SIZE);
    memcpy(header, text, (size_t)length + 1);
    return true;
}
