/*
 * profile_passwords.h - the password file of `profile set`: a line NAME:PASSWORD for each user, and for each
 * wireless profile ("wireless NAME") and "wired 802.1x".
 */
#ifndef CONTROL_PROFILE_PASSWORDS_H
#define CONTROL_PROFILE_PASSWORDS_H

#include "common/error.h"
#include "common/secret.h"
#include "profile_file.h"

struct profile_passwords { /* zero-initialise; ended with profile_passwords_clear() */
    struct profile_password {
        char *user;
        struct secret *password;
    } entries[PROFILE_DIGEST_USERS_MAX + NETWORK_SECTIONS_MAX];
    size_t count;
};

/* Every line must name a Digest user or a network of the profile, with a password that AMT takes. */
bool profile_passwords_read(const struct secret *text, const struct profile_file *profile,
                            struct profile_passwords *passwords, struct error *err) MUST_CHECK;
void profile_passwords_clear(struct profile_passwords *passwords);
/* Borrowed; NULL when the file has none for this user. */
const struct secret *profile_password_of(const struct profile_passwords *passwords, const char *user);

#endif
