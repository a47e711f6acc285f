#include "profile_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/password.h"
#include "realm.h"

#define TRUSTED_NAMES "trusted names"

const struct profile_setting_kind profile_setting_kinds[SETTING_COUNT] = {
    [SETTING_PING] = { "ping", "ping", { "on", "off" }, "whether the firmware answers pings" },
    [SETTING_WEB_INTERFACE] = { "web interface",
                                "web_interface",
                                { "on", "off" },
                                "the firmware's own web pages" },
    [SETTING_SERIAL_OVER_LAN] = { "serial over lan",
                                  "serial_over_lan",
                                  { "on", "off" },
                                  "text console over the network" },
    [SETTING_IDE_REDIRECTION] = { "ide redirection",
                                  "ide_redirection",
                                  { "on", "off" },
                                  "booting from a remote image" },
    [SETTING_KVM] = { "kvm",
                      "kvm",
                      { "on", "off" },
                      "remote screen, keyboard and mouse, where the hardware has it" },
    [SETTING_USER_CONSENT] = { "user consent",
                               "user_consent",
                               { "none", "kvm", "all" },
                               "what the person at the computer must allow: nothing, KVM, or all "
                               "redirection" },
    [SETTING_POWER] = { "power",
                        "power",
                        { "always-on", "s0" },
                        "when the firmware can be reached: S0 to S5, or only while the computer runs" },
    [SETTING_MEBX_PASSWORD] = { "mebx password",
                                "mebx_password",
                                { "random", "leave", "shared" },
                                "a random one per computer, leave it, or one for all computers of the "
                                "profile" },
    [SETTING_FIRST_STAGE] = { "first stage",
                              "first_stage",
                              { "auto", "eoi", "wsman" },
                              "interface of the first stage: auto is EOI before AMT 6.0, WS-Management from "
                              "6.0" },
    [SETTING_TLS] = { "tls",
                      "tls",
                      { "server", "mutual" },
                      "who shows a certificate: the firmware, or both sides" },
};

static const char *const access_names[] = {
    [ACCESS_LOCAL] = "local",
    [ACCESS_NETWORK] = "network",
    [ACCESS_BOTH] = "both",
};

bool profile_setting_is_switch(enum profile_setting setting)
{
    return strcmp(profile_setting_kinds[setting].choices[0], "on") == 0;
}

bool profile_choice_find(enum profile_setting setting, const char *word, unsigned *choice)
{
    static const char *const on_words[] = { "true", "yes", "t" }, *const off_words[] = { "false", "no", "f" };
    const struct profile_setting_kind *kind = &profile_setting_kinds[setting];

    for (unsigned i = 0; i < COUNT_OF(on_words) && profile_setting_is_switch(setting); i++) {
        if (strcasecmp(word, on_words[i]) == 0)
            word = "on";
        else if (strcasecmp(word, off_words[i]) == 0)
            word = "off";
    }
    for (unsigned i = 0; i < COUNT_OF(kind->choices) && kind->choices[i]; i++) {
        if (strcasecmp(word, kind->choices[i]) == 0) {
            *choice = i;
            return true;
        }
    }
    return false;
}

const char *profile_access_name(enum profile_access access)
{
    return access_names[access];
}

bool profile_access_find(const char *name, size_t length, enum profile_access *access)
{
    for (unsigned i = 0; i < COUNT_OF(access_names); i++) {
        if (strlen(access_names[i]) == length && strncasecmp(name, access_names[i], length) == 0) {
            *access = (enum profile_access)i;
            return true;
        }
    }
    return false;
}

#define SID_SUB_AUTHORITIES_MAX 5 /* AMT stores 28 octets (AMT SDK: KerberosUserSid) */

/* MS-DTYP 2.4.2.1: S-1-, the authority, then the sub-authorities. */
static bool check_sid(const char *sid, struct error *err)
{
    const char *at = sid + 3;
    unsigned numbers = 0;

    while (*at == '-') {
        unsigned long long most = numbers ? 0xFFFFFFFFull : 0xFFFFFFFFFFFFull, value;
        char *end;

        errno = 0;
        value = strtoull(at + 1, &end, 10);
        if (!isdigit((unsigned char)at[1]) || errno || value > most)
            break;
        numbers++;
        at = end;
    }
    if (*at != '\0')
        return error_set(err, ERROR_INPUT, "SID '%.80s' has a part that is no number in range", sid);
    if (numbers < 2 || numbers > 1 + SID_SUB_AUTHORITIES_MAX)
        return error_set(err, ERROR_INPUT, "SID '%.80s' has %u sub-authorities; AMT takes 1 to %d", sid,
                         numbers ? numbers - 1 : 0, SID_SUB_AUTHORITIES_MAX);
    return true;
}

/* MS-SAMR 3.1.1.6: what account names are not made of. */
static bool check_directory_name(const char *name, struct error *err)
{
    const char *account = strchr(name, '\\') + 1;
    size_t domain_length = (size_t)(account - 1 - name);

    if (domain_length == 0 || domain_length > 15 || *account == '\0' || strlen(account) > 256 ||
        strpbrk(account, "\"/\\[]:;|=,+*?<>"))
        return error_set(err, ERROR_INPUT,
                         "'%.80s' is no DOMAIN\\name of a user or group, with the domain's short name", name);
    return true;
}

/* "network: redirection, remote-control"; without an access it is "network". */
static bool read_rights(const char *value, struct profile_file_user *user, struct error *err)
{
    const char *colon = strchr(value, ':');
    size_t length = colon ? (size_t)(colon - value) : 0;

    user->access = ACCESS_NETWORK;
    while (length && isspace((unsigned char)value[length - 1]))
        length--;
    if (colon && !profile_access_find(value, length, &user->access))
        return error_set(err, ERROR_INPUT, "unknown access '%.*s'; use local, network or both", (int)length,
                         value);
    return realm_set_parse(colon ? colon + 1 : value, &user->realms, err);
}

static bool check_room(const struct profile_file *profile, const struct profile_file_user *adding,
                       struct error *err)
{
    unsigned digest = 0, directory = 0;

    for (size_t i = 0; i < profile->user_count; i++) {
        const struct profile_file_user *user = &profile->users[i];

        if (adding->name && user->name && strcmp(adding->name, user->name) == 0)
            return error_set(err, ERROR_INPUT, "user '%s' is there twice", adding->name);
        if (adding->sid && user->sid && strcasecmp(adding->sid, user->sid) == 0)
            return error_set(err, ERROR_INPUT, "%s is there twice", adding->sid);
        *(user->name ? &digest : &directory) += 1;
    }
    if (adding->name && digest == PROFILE_DIGEST_USERS_MAX)
        return error_set(err, ERROR_INPUT,
                         "more than %d users with passwords; AMT holds no more besides admin",
                         PROFILE_DIGEST_USERS_MAX);
    if (adding->sid && directory == PROFILE_DIRECTORY_USERS_MAX)
        return error_set(err, ERROR_INPUT, "more than %d directory users; AMT holds no more",
                         PROFILE_DIRECTORY_USERS_MAX);
    return true;
}

static bool read_user(struct profile_file *profile, const char *name, const char *value, struct error *err)
{
    bool by_name = strchr(name, '\\') != NULL, is_sid = !by_name && strncasecmp(name, "S-1-", 4) == 0;
    bool fits = by_name  ? check_directory_name(name, err)
                : is_sid ? check_sid(name, err)
                         : user_name_check(name, err);
    struct profile_file_user user = { 0 };

    if (!fits)
        return false;
    if (!read_rights(value, &user, err))
        return error_during(err, "user '%s'", name);
    *(by_name || is_sid ? &user.sid : &user.name) = text_copy(name);
    if (!check_room(profile, &user, err)) {
        free(user.name);
        free(user.sid);
        return false;
    }
    profile->users[profile->user_count++] = user;
    return true;
}

static bool setting_find(const char *key, enum profile_setting *setting)
{
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        if (strcasecmp(key, profile_setting_kinds[i].key) == 0 ||
            strcasecmp(key, profile_setting_kinds[i].name) == 0) {
            *setting = (enum profile_setting)i;
            return true;
        }
    }
    return false;
}

static bool read_setting(struct profile_file *profile, const char *key, const char *value, unsigned *seen,
                         struct error *err)
{
    enum profile_setting setting;
    const char *const *choices;

    if (!setting_find(key, &setting))
        return error_set(err, ERROR_INPUT, "unknown setting '%.40s'; see 'amtctl profile set --help'", key);
    if (*seen & 1u << setting)
        return error_set(err, ERROR_INPUT, "'%s' is there twice", key);
    *seen |= 1u << setting;
    choices = profile_setting_kinds[setting].choices;
    if (!profile_choice_find(setting, value, &profile->settings[setting]))
        return error_set(err, ERROR_INPUT, "%s: '%.40s' is not one of %s, %s%s%s", key, value, choices[0],
                         choices[1], choices[2] ? ", " : "", choices[2] ? choices[2] : "");
    return true;
}

bool profile_trusted_name_add(struct profile_file *profile, const char *name, struct error *err)
{
    if (profile->trusted_name_count == PROFILE_TRUSTED_NAMES_MAX)
        return error_set(err, ERROR_INPUT,
                         "more than %d trusted names; AMT holds no more besides that of the service points",
                         PROFILE_TRUSTED_NAMES_MAX);
    if (*name == '\0')
        return error_set(err, ERROR_INPUT, "a trusted name is empty; write trusted names = NAME, NAME");
    profile->trusted_names[profile->trusted_name_count++] = text_copy(name);
    return true;
}

static bool read_trusted_names(struct profile_file *profile, char *value, struct error *err)
{
    char *name;

    if (profile->trusted_name_count)
        return error_set(err, ERROR_INPUT, "'" TRUSTED_NAMES "' is there twice");
    while (*value && (name = strsep(&value, ","))) {
        if (!profile_trusted_name_add(profile, text_trim(name), err))
            return false;
        if (!value)
            break;
    }
    return true;
}

static bool read_line(struct profile_file *profile, char *line, unsigned *seen, struct error *err)
{
    char *equals, *key, *value;

    line = text_trim(line);
    if (profile_network_takes(&profile->network, line))
        return profile_network_line(&profile->network, line, err);
    if (*line == '\0' || *line == '#')
        return true;
    equals = strchr(line, '=');
    if (!equals)
        return error_set(err, ERROR_INPUT, "'%.40s' has no '='; write key = value", line);
    *equals = '\0';
    key = text_trim(line);
    value = text_trim(equals + 1);
    if (strncasecmp(key, "user ", 5) == 0 &&
        strcasecmp(key, profile_setting_kinds[SETTING_USER_CONSENT].key) != 0)
        return read_user(profile, text_trim(key + 5), value, err);
    if (strcasecmp(key, TRUSTED_NAMES) == 0)
        return read_trusted_names(profile, value, err);
    return read_setting(profile, key, value, seen, err);
}

bool profile_file_read(const char *text, struct profile_file *profile, struct error *err)
{
    AUTO(text_free) char *copy = text_copy(text);
    struct profile_file reading = { 0 };
    unsigned seen = 0, number = 0;
    char *rest = copy, *line;

    if (strncmp(rest, "\xEF\xBB\xBF", 3) == 0)
        rest += 3;
    while ((line = strsep(&rest, "\n")) != NULL) {
        number++;
        if (!read_line(&reading, line, &seen, err)) {
            profile_file_clear(&reading);
            return error_during(err, "line %u", number);
        }
    }
    if (!profile_network_end(&reading.network, err)) {
        profile_file_clear(&reading);
        return false;
    }
    *profile = reading;
    return true;
}

static void print_user(const struct profile_file_user *user, FILE *out)
{
    AUTO(text_free) char *realms = realm_set_text(user->realms);

    fprintf(out, "user %s = %s: %s\n", user->name ? user->name : user->sid, access_names[user->access],
            realms);
}

static void print_trusted_names(const struct profile_file *profile, FILE *out)
{
    fprintf(out,
            "\n# with tls = mutual: common names of the clients that are let in, besides the service points\n"
            "%s" TRUSTED_NAMES " =",
            profile->trusted_name_count ? "" : "# ");
    for (size_t i = 0; i < profile->trusted_name_count; i++)
        fprintf(out, "%s %s", i ? "," : "", profile->trusted_names[i]);
    fprintf(out, "\n");
}

void profile_file_print(const struct profile_file *profile, const char *name, FILE *out)
{
    fprintf(out, "# profile %s\n", name);
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        const struct profile_setting_kind *kind = &profile_setting_kinds[i];

        fprintf(out, "\n# %s: ", kind->explanation);
        for (unsigned c = 0; c < COUNT_OF(kind->choices) && kind->choices[c]; c++)
            fprintf(out, "%s%s", c ? " | " : "", kind->choices[c]);
        fprintf(out, "\n%s = %s\n", kind->key, kind->choices[profile->settings[i]]);
    }
    print_trusted_names(profile, out);
    fprintf(out, "\n# user NAME|SID = [local:|network:|both:] realm, realm...\n");
    for (size_t i = 0; i < profile->user_count; i++)
        print_user(&profile->users[i], out);
    profile_network_print(&profile->network, out);
}

void profile_file_clear(struct profile_file *profile)
{
    for (size_t i = 0; i < profile->user_count; i++) {
        free(profile->users[i].name);
        free(profile->users[i].sid);
    }
    profile->user_count = 0;
    while (profile->trusted_name_count)
        free(profile->trusted_names[--profile->trusted_name_count]);
    profile_network_clear(&profile->network);
}
