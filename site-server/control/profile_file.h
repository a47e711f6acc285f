/*
 * profile_file.h - the text form of a profile (spec 5): `key = value` lines, # comments, no secrets.
 *
 * What `profile set` reads and `profile show` prints; a printed file reads back as the same profile.
 */
#ifndef CONTROL_PROFILE_FILE_H
#define CONTROL_PROFILE_FILE_H

#include <stdint.h>
#include <stdio.h>

#include "common/error.h"
#include "common/message.h"
#include "profile_network.h"

/* Digest users besides admin, and directory users or groups, that the firmware's list holds (AMT SDK). */
#define PROFILE_DIGEST_USERS_MAX    7
#define PROFILE_DIRECTORY_USERS_MAX 32
#define PROFILE_USERS_MAX           (PROFILE_DIGEST_USERS_MAX + PROFILE_DIRECTORY_USERS_MAX)

enum profile_setting {
    SETTING_PING,
    SETTING_WEB_INTERFACE,
    SETTING_SERIAL_OVER_LAN,
    SETTING_IDE_REDIRECTION,
    SETTING_KVM,
    SETTING_USER_CONSENT,
    SETTING_POWER,
    SETTING_MEBX_PASSWORD,
    SETTING_FIRST_STAGE,
    SETTING_TLS,
    SETTING_COUNT,
};

struct profile_setting_kind {
    const char *key;         /* of the file: "web interface" */
    const char *name;        /* in SQL and JSON: "web_interface" */
    const char *choices[4];  /* ended by NULL; "on", "off" are stored as booleans; the first is the default */
    const char *explanation; /* the comment above it in a printed file */
};

extern const struct profile_setting_kind profile_setting_kinds[SETTING_COUNT];

enum profile_access { ACCESS_LOCAL, ACCESS_NETWORK, ACCESS_BOTH }; /* AMT SDK: AccessPermission */

struct profile_file_user {
    char *name; /* of a Digest user, or NULL */
    char *sid;  /* S-1-... or DOMAIN\name, or NULL */
    enum profile_access access;
    uint32_t realms;
};

struct profile_file {
    unsigned settings[SETTING_COUNT]; /* which of the choices */
    struct profile_file_user users[PROFILE_USERS_MAX];
    size_t user_count;
    char *trusted_names[PROFILE_TRUSTED_NAMES_MAX]; /* with tls = mutual */
    size_t trusted_name_count;
    struct profile_network network; /* sections, behind everything else */
};

/* The error begins with the line's number. End with profile_file_clear(). */
bool profile_file_read(const char *text, struct profile_file *profile, struct error *err) MUST_CHECK;
void profile_file_print(const struct profile_file *profile, const char *name, FILE *out);
void profile_file_clear(struct profile_file *profile);

/* Refuses an empty one, and more than firmware holds. */
bool profile_trusted_name_add(struct profile_file *profile, const char *name, struct error *err) MUST_CHECK;

bool profile_setting_is_switch(enum profile_setting setting);
/* The choice's index; false when the setting has none of that name. "true", "yes" are "on". */
bool profile_choice_find(enum profile_setting setting, const char *word, unsigned *choice);

const char *profile_access_name(enum profile_access access); /* "local", "network", "both" */
bool profile_access_find(const char *name, size_t length, enum profile_access *access);

#endif
