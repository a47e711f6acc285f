#include "curve_key.h"

#include <stdio.h>
#include <string.h>

#include "private_file.h"

#define FILE_SIZE (2 * (7 + CURVE_KEY_LENGTH + 1) + 1)

bool curve_key_valid(const char *text)
{
    static const char alphabet[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}"
        "@%$#";

    return strlen(text) == CURVE_KEY_LENGTH && strspn(text, alphabet) == CURVE_KEY_LENGTH;
}

/* One line, "word key"; *text moves behind it. The key is copied with its NUL. */
static bool take_line(const char **text, const char *word, char key[CURVE_KEY_SIZE])
{
    size_t word_length = strlen(word);
    const char *value;

    if (strncmp(*text, word, word_length) != 0 || (*text)[word_length] != ' ')
        return false;
    value = *text + word_length + 1;
    if (strnlen(value, CURVE_KEY_LENGTH) != CURVE_KEY_LENGTH)
        return false;
    memcpy(key, value, CURVE_KEY_LENGTH);
    key[CURVE_KEY_LENGTH] = '\0';
    *text = value + CURVE_KEY_LENGTH;
    if (**text == '\n')
        (*text)++;
    return curve_key_valid(key);
}

bool curve_key_read(const char *path, struct curve_key_pair *pair, struct error *err)
{
    AUTO(secret_free) struct secret *content = NULL;
    struct curve_key_pair found = { 0 };
    char secret_text[CURVE_KEY_SIZE];
    const char *text;

    if (!private_file_read(path, &content, err))
        return false;
    text = secret_reveal(content);
    if (!take_line(&text, "public", found.public_key) || !take_line(&text, "secret", secret_text) || *text)
        return error_set(err, ERROR_INPUT,
                         "%s is not a key file (two lines, 'public KEY' and 'secret KEY'); make one with "
                         "--create-key",
                         path);
    found.secret_key = secret_from_text(secret_text);
    secret_wipe(secret_text, sizeof(secret_text));
    *pair = found;
    return true;
}

bool curve_key_create(const char *path, const struct curve_key_pair *pair, struct error *err)
{
    AUTO(secret_free) struct secret *content = NULL;
    char text[FILE_SIZE];

    snprintf(text, sizeof(text), "public %s\nsecret %s\n", pair->public_key, secret_reveal(pair->secret_key));
    content = secret_from_text(text);
    secret_wipe(text, sizeof(text));
    return private_file_create(path, content, err);
}

void curve_key_clear(struct curve_key_pair *pair)
{
    secret_free(&pair->secret_key);
    memset(pair->public_key, 0, sizeof(pair->public_key));
}
