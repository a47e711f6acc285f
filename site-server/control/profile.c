#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/password.h"
#include "common/private_file.h"
#include "password_input.h"
#include "profile_file.h"
#include "profile_networks.h"
#include "profile_passwords.h"
#include "realm.h"
#include "secret_reading.h"
#include "session.h"
#include "verbs.h"

#define PROFILE_FILE_MAX_BYTES (64 * 1024)
#define SHARED_MEBX_USER       "$$mebx" /* no user can be called so */

/* ---- list, show ------------------------------------------------------------------------------------------
 */

static const struct column list_columns[] = {
    { "name", "NAME", COLUMN_TEXT },
    { "computers", "COMPUTERS", COLUMN_NUMBER },
    { "users", "USERS", COLUMN_NUMBER },
    { "ping", "PING", COLUMN_BOOLEAN },
    { "web_interface", "WEB", COLUMN_BOOLEAN },
    { "serial_over_lan", "SOL", COLUMN_BOOLEAN },
    { "ide_redirection", "IDE-R", COLUMN_BOOLEAN },
    { "kvm", "KVM", COLUMN_BOOLEAN },
    { "user_consent", "CONSENT", COLUMN_TEXT },
    { "power", "POWER", COLUMN_TEXT },
    { "mebx_password", "MEBX PASSWORD", COLUMN_TEXT },
    { "first_stage", "FIRST STAGE", COLUMN_TEXT },
    { "tls", "TLS", COLUMN_TEXT },
    { "trusted_names", NULL, COLUMN_JSON },
    { "changed_at", "CHANGED", COLUMN_TEXT },
    { "changed_by", "BY", COLUMN_TEXT },
    { "shared_mebx_password_set", NULL, COLUMN_BOOLEAN },
};

static const struct column user_columns[] = {
    { "name", "NAME", COLUMN_TEXT },
    { "sid", "SID", COLUMN_TEXT },
    { "access", "ACCESS", COLUMN_TEXT },
    { "realms", "REALMS", COLUMN_JSON },
};

static const struct column network_columns[] = {
    { "wireless", NULL, COLUMN_TEXT },
    { "wireless_synchronization", NULL, COLUMN_TEXT },
    { "kvm_session_timeout_min", NULL, COLUMN_NUMBER },
    { "kvm_consent_timeout_s", NULL, COLUMN_NUMBER },
};

#define EAP_COLUMNS                                                                                          \
    { "eap", NULL, COLUMN_TEXT }, { "username", NULL, COLUMN_TEXT }, { "domain", NULL, COLUMN_TEXT },        \
        { "roaming_identity", NULL, COLUMN_TEXT }, { "server_name", NULL, COLUMN_TEXT },                     \
        { "server_name_match", NULL, COLUMN_TEXT }, { "password_set", NULL, COLUMN_BOOLEAN },                \
        { "trusted_root_sha256", NULL, COLUMN_TEXT },

static const struct column wireless_columns[] = {
    { "name", NULL, COLUMN_TEXT },       { "ssid", NULL, COLUMN_TEXT },
    { "priority", NULL, COLUMN_NUMBER }, { "authentication", NULL, COLUMN_TEXT },
    { "encryption", NULL, COLUMN_TEXT }, EAP_COLUMNS
};

static const struct column wired_columns[] = { { "enabled", NULL, COLUMN_BOOLEAN },
                                               { "active_in_s0", NULL, COLUMN_BOOLEAN },
                                               { "pxe_timeout_s", NULL, COLUMN_NUMBER },
                                               EAP_COLUMNS };

bool profile_list(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    (void)invocation;
    parameters_text(parameters, NULL);
    return session_show(session, CONTROL_STATEMENT_PROFILE_LIST, &parameters, list_columns,
                        COUNT_OF(list_columns), err);
}

static bool rows_of_profile(struct session *session, int statement, const char *name, struct rows **rows,
                            struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, name);
    return database_run(session->database, statement, parameters, rows, err);
}

static bool settings_from_row(struct rows *rows, struct profile_file *profile, struct error *err)
{
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        const char *value = row_text(rows, 0, profile_setting_kinds[i].name);

        if (!profile_choice_find((enum profile_setting)i, value, &profile->settings[i]))
            return error_set(err, ERROR_INTERNAL, "the profile's %s is '%s', which this amtctl does not know",
                             profile_setting_kinds[i].key, value);
    }
    for (size_t i = 0; i < row_text_count(rows, 0, "trusted_name_list"); i++) {
        if (!profile_trusted_name_add(profile, row_text_element(rows, 0, "trusted_name_list", i), err))
            return false;
    }
    return true;
}

static bool user_from_row(const struct rows *rows, size_t row, struct profile_file *profile,
                          struct error *err)
{
    struct profile_file_user *user = &profile->users[profile->user_count];
    const char *access = row_text(rows, row, "access"), *sid = row_text(rows, row, "sid");

    if (profile->user_count == PROFILE_USERS_MAX)
        return error_set(err, ERROR_INTERNAL, "the profile has more users than AMT holds");
    if (!realm_set_parse(row_text(rows, row, "realm_names"), &user->realms, err))
        return error_during(err, "user '%s'", row_text(rows, row, "name"));
    if (!profile_access_find(access, strlen(access), &user->access))
        return error_set(err, ERROR_INTERNAL, "user '%s' has the unknown access '%s'",
                         row_text(rows, row, "name"), access);
    *(sid ? &user->sid : &user->name) = text_copy(sid ? sid : row_text(rows, row, "name"));
    profile->user_count++;
    return true;
}

static bool print_as_file(struct session *session, struct rows *settings, const struct rows *users,
                          struct error *err)
{
    AUTO(profile_file_clear) struct profile_file profile = { 0 };

    if (!settings_from_row(settings, &profile, err) ||
        !profile_networks_read(session, row_text(settings, 0, "name"), &profile.network, err))
        return false;
    for (size_t i = 0; i < rows_count(users); i++) {
        if (!user_from_row(users, i, &profile, err))
            return false;
    }
    profile_file_print(&profile, row_text(settings, 0, "name"), stdout);
    return true;
}

static bool table_of(struct session *session, int statement, const char *name, const struct column *columns,
                     size_t column_count, struct table **table, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, name);
    return session_table(session, statement, &parameters, columns, column_count, table, err);
}

static bool print_as_json(struct session *session, const struct rows *settings, const struct rows *users,
                          struct error *err)
{
    const char *name = row_text(settings, 0, "name");
    AUTO(table_free) struct table *profile = table_from_rows(settings, list_columns, COUNT_OF(list_columns));
    AUTO(table_free) struct table *user_table = table_from_rows(users, user_columns, COUNT_OF(user_columns));
    AUTO(table_free) struct table *network = NULL;
    AUTO(table_free) struct table *wireless = NULL;
    AUTO(table_free) struct table *wired = NULL;

    if (!table_of(session, CONTROL_STATEMENT_PROFILE_NETWORK, name, network_columns,
                  COUNT_OF(network_columns), &network, err) ||
        !table_of(session, CONTROL_STATEMENT_PROFILE_WIRELESS, name, wireless_columns,
                  COUNT_OF(wireless_columns), &wireless, err) ||
        !table_of(session, CONTROL_STATEMENT_PROFILE_WIRED_8021X, name, wired_columns,
                  COUNT_OF(wired_columns), &wired, err))
        return false;
    table_print_sections(
        (const struct table_section[]){
            { "profile", NULL, SHAPE_RECORD, profile },
            { "users", NULL, SHAPE_LIST, user_table },
            { "network", NULL, SHAPE_RECORD, network },
            { "wireless", NULL, SHAPE_LIST, wireless },
            { "wired_8021x", NULL, SHAPE_LIST, wired },
        },
        5, true, stdout);
    return true;
}

bool profile_show(struct session *session, const struct invocation *invocation, struct error *err)
{
    const char *name = invocation->arguments[0];
    AUTO(rows_free) struct rows *settings = NULL;
    AUTO(rows_free) struct rows *users = NULL;

    if (!rows_of_profile(session, CONTROL_STATEMENT_PROFILE_LIST, name, &settings, err) ||
        !rows_of_profile(session, CONTROL_STATEMENT_PROFILE_USERS, name, &users, err))
        return false;
    if (rows_count(settings) == 0)
        return error_set(err, ERROR_ABSENT, "there is no profile '%.64s'; see 'amtctl profile list'", name);
    return session->json ? print_as_json(session, settings, users, err)
                         : print_as_file(session, settings, users, err);
}

bool profile_remove(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, invocation->arguments[0]);
    if (!session_do(session, CONTROL_STATEMENT_PROFILE_REMOVE, &parameters, err))
        return false;
    if (session->json)
        printf("{\"removed\": true}\n");
    else
        printf("profile %s removed\n", invocation->arguments[0]);
    return true;
}

bool profile_password(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(secret_free) struct secret *secret = NULL;
    bool mebx = strcmp(invocation->arguments[1], "mebx") == 0;

    parameters_text(parameters, invocation->arguments[0]);
    parameters_text(parameters, mebx ? SHARED_MEBX_USER : invocation->arguments[1]);
    return secret_read_announced(
               session, CONTROL_STATEMENT_SECRET_ANNOUNCE_PROFILE, &parameters,
               mebx ? "shared MEBx password of this profile"
                    : "user of that name with a password in this profile; see 'amtctl profile show'",
               &secret, err) &&
           secret_print(session, secret, err);
}

/* ---- set
 * --------------------------------------------------------------------------------------------------- */

struct change {
    const char *name; /* of the profile */
    struct profile_file file;
    struct profile_passwords passwords;
    struct secret *mebx_password; /* NULL: not given */
    struct rows *former_users;
    bool had_mebx_password;
    size_t generated;
};

static void change_clear(struct change *change)
{
    profile_file_clear(&change->file);
    profile_passwords_clear(&change->passwords);
    secret_free(&change->mebx_password);
    rows_free(&change->former_users);
}

static bool read_profile_text(const char *path, char **text, struct error *err)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    char *reading;
    size_t length;

    if (!file)
        return error_set(err, ERROR_INPUT, "cannot read %s: %s", path, strerror(errno));
    reading = allocate(PROFILE_FILE_MAX_BYTES + 1);
    length = fread(reading, 1, PROFILE_FILE_MAX_BYTES + 1, file);
    if (ferror(file))
        error_set(err, ERROR_INPUT, "cannot read %s: %s", path, strerror(errno));
    else if (length > PROFILE_FILE_MAX_BYTES)
        error_set(err, ERROR_INPUT, "%s is larger than %d bytes; that is no profile", path,
                  PROFILE_FILE_MAX_BYTES);
    else if (memchr(reading, '\0', length))
        error_set(err, ERROR_INPUT, "%s has NUL characters; that is no profile", path);
    else
        *text = TAKE(reading);
    free(reading);
    if (!standard)
        fclose(file);
    return *text != NULL;
}

static bool read_input(const struct invocation *invocation, struct change *change, struct error *err)
{
    const char *path = invocation->arguments[1], *password_file = invocation->options[OPTION_PASSWORD_FILE];
    const char *mebx_file = invocation->options[OPTION_MEBX_PASSWORD_FILE];
    AUTO(secret_free) struct secret *passwords = NULL;
    AUTO(text_free) char *text = NULL;

    change->name = invocation->arguments[0];
    if (!read_profile_text(path, &text, err))
        return false;
    if (!profile_file_read(text, &change->file, err))
        return error_during(err, "%s", path);
    if (password_file && !private_file_read(password_file, &passwords, err))
        return error_during(err, "password file");
    if (passwords && !profile_passwords_read(passwords, &change->file, &change->passwords, err))
        return error_during(err, "%s", password_file);
    if (mebx_file && (!password_input("MEBx password", mebx_file, &change->mebx_password, err) ||
                      !password_check(change->mebx_password, err)))
        return error_during(err, "shared MEBx password");
    return true;
}

static bool write_settings(struct session *session, const struct change *change, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(text_free) char *json = NULL;
    size_t size;
    FILE *out = open_memstream(&json, &size);

    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        const struct profile_setting_kind *kind = &profile_setting_kinds[i];
        unsigned choice = change->file.settings[i];

        fprintf(out, "%s\"%s\": ", i ? ", " : "{", kind->name);
        if (profile_setting_is_switch((enum profile_setting)i))
            fputs(choice == 0 ? "true" : "false", out);
        else
            json_print_text(kind->choices[choice], out);
    }
    fputs("}", out);
    fclose(out);
    parameters_text(parameters, change->name);
    parameters_text(parameters, json);
    return session_do(session, CONTROL_STATEMENT_PROFILE_SET, &parameters, err);
}

static bool write_trusted_names(struct session *session, const struct change *change, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *names;

    parameters_text(parameters, change->name);
    names = parameters_texts(parameters);
    for (size_t i = 0; i < change->file.trusted_name_count; i++)
        array_add_text(names, change->file.trusted_names[i]);
    return session_do(session, CONTROL_STATEMENT_PROFILE_TRUSTED_NAMES_SET, &parameters, err);
}

/* What the profile had before; read after write_settings(), which locks it against others. */
static bool read_former(struct session *session, struct change *change, struct error *err)
{
    AUTO(rows_free) struct rows *settings = NULL;

    if (!rows_of_profile(session, CONTROL_STATEMENT_PROFILE_LIST, change->name, &settings, err) ||
        !rows_of_profile(session, CONTROL_STATEMENT_PROFILE_USERS, change->name, &change->former_users, err))
        return false;
    change->had_mebx_password = strcmp(row_text(settings, 0, "shared_mebx_password_set"), "true") == 0;
    return true;
}

static bool had_password(const struct change *change, const char *user)
{
    for (size_t i = 0; i < rows_count(change->former_users); i++) {
        if (row_is_null(change->former_users, i, "sid") &&
            strcmp(row_text(change->former_users, i, "name"), user) == 0)
            return true;
    }
    return false;
}

/* The password that was given, or a new one when there is none to keep; *sealed stays empty when one is kept.
 */
static bool seal_password(struct session *session, struct change *change, const struct secret *given,
                          bool had, const char *place, struct sealed *sealed, struct error *err)
{
    AUTO(secret_free) struct secret *password = secret_copy(given);
    struct vault *vault;

    if (!password && had)
        return true;
    if (!password) {
        password = password_generate();
        change->generated++;
    }
    return session_vault(session, &vault, err) && vault_seal(vault, place, password, sealed, err);
}

static bool write_user(struct session *session, struct change *change, const struct profile_file_user *user,
                       struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    char place[VAULT_PLACE_SIZE];
    struct array *realms;

    if (user->name && !seal_password(session, change, profile_password_of(&change->passwords, user->name),
                                     had_password(change, user->name),
                                     vault_place_profile_user(change->name, user->name, place), &sealed, err))
        return false;
    parameters_text(parameters, change->name);
    parameters_text(parameters, user->name ? user->name : user->sid);
    realms = parameters_numbers(parameters);
    for (unsigned realm = 0; realm < REALM_LIMIT; realm++) {
        if (user->realms & 1u << realm)
            array_add_number(realms, realm);
    }
    parameters_text(parameters, profile_access_name(user->access));
    parameters_text(parameters, user->sid);
    parameters_sealed(parameters, sealed.key_id ? &sealed : NULL);
    return session_do(session, CONTROL_STATEMENT_PROFILE_USER_SET, &parameters, err);
}

static bool is_kept(const struct change *change, const char *name, const char *sid)
{
    for (size_t i = 0; i < change->file.user_count; i++) {
        const struct profile_file_user *user = &change->file.users[i];

        if (strcmp(name, user->name ? user->name : user->sid) == 0 && (sid != NULL) == (user->sid != NULL))
            return true;
    }
    return false;
}

/* First those that go, so that the limits of the firmware's list hold at every moment. */
static bool write_users(struct session *session, struct change *change, struct error *err)
{
    for (size_t i = 0; i < rows_count(change->former_users); i++) {
        const char *name = row_text(change->former_users, i, "name"),
                   *sid = row_text(change->former_users, i, "sid");
        AUTO(parameters_free) struct parameters *parameters = parameters_new();

        parameters_text(parameters, change->name);
        parameters_text(parameters, name);
        if (!is_kept(change, name, sid) &&
            !session_do(session, CONTROL_STATEMENT_PROFILE_USER_REMOVE, &parameters, err))
            return false;
    }
    for (size_t i = 0; i < change->file.user_count; i++) {
        if (!write_user(session, change, &change->file.users[i], err))
            return false;
    }
    return true;
}

static bool is_shared(const struct change *change)
{
    const char *choice =
        profile_setting_kinds[SETTING_MEBX_PASSWORD].choices[change->file.settings[SETTING_MEBX_PASSWORD]];

    return strcmp(choice, "shared") == 0;
}

static bool write_mebx_password(struct session *session, struct change *change, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    char place[VAULT_PLACE_SIZE];

    if (!change->mebx_password && !is_shared(change))
        return true;
    if (!seal_password(session, change, change->mebx_password, change->had_mebx_password,
                       vault_place_profile_mebx(change->name, place), &sealed, err))
        return false;
    if (!sealed.key_id)
        return true;
    parameters_text(parameters, change->name);
    parameters_sealed(parameters, &sealed);
    return session_do(session, CONTROL_STATEMENT_PROFILE_MEBX_SET, &parameters, err);
}

bool profile_set(struct session *session, const struct invocation *invocation, struct error *err)
{
    AUTO(change_clear) struct change change = { 0 };

    if (!read_input(invocation, &change, err) || !database_begin(session->database, err) ||
        !write_settings(session, &change, err) || !write_trusted_names(session, &change, err) ||
        !read_former(session, &change, err) || !write_users(session, &change, err) ||
        !write_mebx_password(session, &change, err) ||
        !profile_networks_write(session, change.name, &change.file.network, &change.passwords, err) ||
        !database_commit(session->database, err))
        return false;
    if (session->json) {
        printf("{\"profile\": ");
        json_print_text(change.name, stdout);
        printf(", \"users\": %zu, \"passwords_generated\": %zu}\n", change.file.user_count, change.generated);
        return true;
    }
    printf("profile %s set, with %zu users; computers change with their next job\n", change.name,
           change.file.user_count);
    if (change.generated)
        printf("%zu passwords were generated; see them with 'amtctl profile password %s USER|mebx'\n",
               change.generated, change.name);
    return true;
}
