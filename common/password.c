#include "password.h"

#include <ctype.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define GENERATED_LENGTH 20

static const char upper[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";
static const char lower[] = "abcdefghijkmnopqrstuvwxyz";
static const char digits[] = "23456789";
static const char special[] = "!@#$%^*";

static uint8_t random_below(uint8_t bound)
{
    uint8_t limit = (uint8_t)(256 / bound * bound - 1);
    uint8_t value;

    do {
        if (RAND_priv_bytes(&value, 1) != 1)
            abort(); /* a password from a bad source is worse than none */
    } while (value > limit);
    return (uint8_t)(value % bound);
}

static char pick(const char *set)
{
    return set[random_below((uint8_t)strlen(set))];
}

struct secret *password_generate(void)
{
    static const char *const needed[] = { upper, lower, digits, special };
    char all[sizeof(upper) + sizeof(lower) + sizeof(digits) + sizeof(special)];
    char text[GENERATED_LENGTH];
    struct secret *password;

    strcpy(stpcpy(stpcpy(stpcpy(all, upper), lower), digits), special);
    for (size_t i = 0; i < GENERATED_LENGTH; i++)
        text[i] = pick(i < COUNT_OF(needed) ? needed[i] : all);
    for (size_t i = GENERATED_LENGTH - 1; i > 0; i--) { /* Fisher-Yates: the needed ones go anywhere */
        size_t other = random_below((uint8_t)(i + 1));
        char moved = text[i];

        text[i] = text[other];
        text[other] = moved;
    }
    password = secret_new(text, sizeof(text));
    secret_wipe(text, sizeof(text));
    return password;
}

bool password_check(const struct secret *password, struct error *err)
{
    const char *text = secret_reveal(password);
    size_t length = secret_length(password);
    bool has_upper = false, has_lower = false, has_digit = false, has_special = false;

    if (length < 8 || length > 32)
        return error_set(err, ERROR_INPUT, "the password has %zu characters; AMT takes 8 to 32", length);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 32 || c > 126)
            return error_set(err, ERROR_INPUT, "the password has a character outside printable ASCII");
        if (c == '"' || c == ',' || c == ':')
            return error_set(err, ERROR_INPUT, "the password contains '%c', which AMT does not take", c);
        has_upper |= isupper(c) != 0;
        has_lower |= islower(c) != 0;
        has_digit |= isdigit(c) != 0;
        has_special |= ispunct(c) && c != '_';
    }
    if (!has_upper || !has_lower || !has_digit || !has_special)
        return error_set(err, ERROR_INPUT, "the password lacks %s",
                         !has_upper   ? "an upper-case letter"
                         : !has_lower ? "a lower-case letter"
                         : !has_digit ? "a digit"
                                      : "a special character");
    return true;
}

bool user_name_check(const char *name, struct error *err)
{
    size_t length = strlen(name);

    if (length < 1 || length > 16)
        return error_set(err, ERROR_INPUT, "user name '%.32s' has %zu characters; AMT takes 1 to 16", name,
                         length);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)name[i] < 33 || (unsigned char)name[i] > 126 || strchr("(),:\"&<>", name[i]))
            return error_set(err, ERROR_INPUT, "user name '%s' has a character that AMT does not take", name);
    }
    if (strncmp(name, "$$", 2) == 0)
        return error_set(err, ERROR_INPUT, "user name '%s' begins with $$, which is the firmware's own",
                         name);
    if (strcasecmp(name, "admin") == 0 || strcasecmp(name, "administrator") == 0)
        return error_set(err, ERROR_INPUT, "user name '%s' is reserved by the firmware", name);
    return true;
}
