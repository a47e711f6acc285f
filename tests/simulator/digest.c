#include "digest.h"

#include "encoding.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void md5(const void *bytes, size_t length, unsigned char digest[DIGEST_A1_LENGTH])
{
    EVP_Digest(bytes, length, digest, NULL, EVP_md5(), NULL);
}

static void md5_hex(const void *bytes, size_t length, char hex[DIGEST_RESPONSE_ROOM])
{
    unsigned char digest[DIGEST_A1_LENGTH];

    md5(bytes, length, digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* Takes one name=value from the list; false at its end or when it is not one. */
static bool next_pair(const char **place, char name[32], char value[256])
{
    const char *at = *place + strspn(*place, " \t,");
    size_t length = 0;

    while (isalnum((unsigned char)*at) || *at == '-') {
        if (length == 31)
            return false;
        name[length++] = *at++;
    }
    name[length] = '\0';
    at += strspn(at, " \t");
    if (!length || *at++ != '=')
        return false;
    at += strspn(at, " \t");
    length = 0;
    if (*at == '"') {
        for (at++; *at && *at != '"'; at++) {
            if (*at == '\\' && at[1])
                at++;
            if (length == 255)
                return false;
            value[length++] = *at;
        }
        if (*at++ != '"')
            return false;
    } else {
        while (*at && !strchr(" \t,", *at)) {
            if (length == 255)
                return false;
            value[length++] = *at++;
        }
    }
    value[length] = '\0';
    *place = at;
    return true;
}

static bool store(const char *name, const char *value, struct digest_credentials *credentials)
{
    const struct {
        const char *name;
        char *place;
        size_t room;
    } fields[] = {
        { "username", credentials->username, sizeof(credentials->username) },
        { "realm", credentials->realm, sizeof(credentials->realm) },
        { "nonce", credentials->nonce, sizeof(credentials->nonce) },
        { "uri", credentials->uri, sizeof(credentials->uri) },
        { "cnonce", credentials->cnonce, sizeof(credentials->cnonce) },
        { "qop", credentials->qop, sizeof(credentials->qop) },
        { "response", credentials->response, sizeof(credentials->response) },
    };

    if (!strcasecmp(name, "nc")) {
        char *end;

        if (strlen(value) != 8)
            return false;
        credentials->count = (uint32_t)strtoul(value, &end, 16);
        return !*end;
    }
    if (!strcasecmp(name, "algorithm"))
        return !strcasecmp(value, "MD5");
    for (size_t i = 0; i < LENGTH(fields); i++)
        if (!strcasecmp(name, fields[i].name)) {
            if (strlen(value) >= fields[i].room)
                return false;
            strcpy(fields[i].place, value);
        }
    return true;
}

bool digest_parse(const char *value, struct digest_credentials *credentials, struct error *err)
{
    struct digest_credentials parsed = { 0 };
    char name[32], text[256];

    value += strspn(value, " \t");
    if (strncasecmp(value, "Digest ", 7))
        return error_set(err, "RFC 2617 3.2.2: the credentials are not of scheme Digest");
    value += 7;
    while (value[strspn(value, " \t,")]) {
        if (!next_pair(&value, name, text))
            return error_set(err, "RFC 2617 3.2.2: the credentials are not a list of name=value");
        if (!store(name, text, &parsed))
            return error_set(err, "RFC 2617 3.2.2: %s has a bad value", name);
    }
    if (!*parsed.username || !*parsed.nonce || !*parsed.uri || strlen(parsed.response) != 32)
        return error_set(err, "RFC 2617 3.2.2: username, nonce, uri or response is missing");
    if (!*parsed.qop || !*parsed.cnonce || !parsed.count)
        return error_set(err, "RFC 2617 3.2.2: qop, cnonce or nc is missing though qop was offered");
    *credentials = parsed;
    return true;
}

void digest_a1(const char *username, const char *realm, const char *password,
               unsigned char a1[DIGEST_A1_LENGTH])
{
    struct text text = { 0 };

    text_format(&text, "%s:%s:%s", username, realm, password);
    md5(text.bytes, text.length, a1);
    text_release(&text);
}

void digest_response(const unsigned char a1[DIGEST_A1_LENGTH], const struct digest_credentials *credentials,
                     const char *method, const void *body, size_t body_length,
                     char response[DIGEST_RESPONSE_ROOM])
{
    char a2[DIGEST_RESPONSE_ROOM], body_hash[DIGEST_RESPONSE_ROOM];
    struct text text = { 0 };

    text_format(&text, "%s:%s", method, credentials->uri);
    if (!strcmp(credentials->qop, "auth-int")) {
        md5_hex(body, body_length, body_hash);
        text_format(&text, ":%s", body_hash);
    }
    md5_hex(text.bytes, text.length, a2);
    text.length = 0;
    hex_append(&text, a1, DIGEST_A1_LENGTH);
    text_format(&text, ":%s:%08x:%s:%s:%s", credentials->nonce, credentials->count, credentials->cnonce,
                credentials->qop, a2);
    md5_hex(text.bytes, text.length, response);
    text_release(&text);
}
