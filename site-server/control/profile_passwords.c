#include "profile_passwords.h"

#include <stdlib.h>
#include <string.h>

#include "common/password.h"

static bool is_digest_user(const struct profile_file *profile, const char *name, size_t length)
{
    for (size_t i = 0; i < profile->user_count; i++) {
        const char *user = profile->users[i].name;

        if (user && strlen(user) == length && memcmp(user, name, length) == 0)
            return true;
    }
    return false;
}

/* One line without its end; the error never shows what stands behind the colon. */
static bool read_line(const char *line, size_t length, const struct profile_file *profile,
                      struct profile_passwords *passwords, struct error *err)
{
    const char *colon = memchr(line, ':', length);
    size_t name_length = colon ? (size_t)(colon - line) : 0;
    AUTO(secret_free) struct secret *password = NULL;
    AUTO(text_free) char *name = NULL;

    const struct network_section *network;

    if (!colon)
        return error_set(err, ERROR_INPUT, "no colon; write NAME:PASSWORD");
    network = profile_network_of_title(&profile->network, line, name_length);
    if (!network && !is_digest_user(profile, line, name_length))
        return error_set(err, ERROR_INPUT,
                         "'%.*s' is no user or network with a password in the profile's file",
                         (int)(name_length < 32 ? name_length : 32), line);
    name = strndup(line, name_length);
    if (profile_password_of(passwords, name))
        return error_set(err, ERROR_INPUT, "%s'%s' is there twice", network ? "" : "user ", name);
    password = secret_new(colon + 1, length - name_length - 1);
    if (network ? !network_password_check(network, password, err) : !password_check(password, err))
        return error_during(err, "%s'%s'", network ? "" : "user ", name);
    passwords->entries[passwords->count++] = (struct profile_password){ TAKE(name), TAKE(password) };
    return true;
}

bool profile_passwords_read(const struct secret *text, const struct profile_file *profile,
                            struct profile_passwords *passwords, struct error *err)
{
    struct profile_passwords reading = { 0 };
    unsigned number = 0;

    for (const char *line = secret_reveal(text); *line;) {
        size_t length = strcspn(line, "\n"), trimmed = length;

        number++;
        while (trimmed && line[trimmed - 1] == '\r')
            trimmed--;
        if (trimmed && *line != '#' && !read_line(line, trimmed, profile, &reading, err)) {
            profile_passwords_clear(&reading);
            return error_during(err, "line %u", number);
        }
        line += length + (line[length] == '\n');
    }
    *passwords = reading;
    return true;
}

void profile_passwords_clear(struct profile_passwords *passwords)
{
    for (size_t i = 0; i < passwords->count; i++) {
        free(passwords->entries[i].user);
        secret_free(&passwords->entries[i].password);
    }
    passwords->count = 0;
}

const struct secret *profile_password_of(const struct profile_passwords *passwords, const char *user)
{
    for (size_t i = 0; i < passwords->count; i++) {
        if (strcmp(passwords->entries[i].user, user) == 0)
            return passwords->entries[i].password;
    }
    return NULL;
}
