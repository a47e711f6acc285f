#include "profile_networks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool rows_of(struct session *session, int statement, const char *profile, struct rows **rows,
                    struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, profile);
    return database_run(session->database, statement, parameters, rows, err);
}

/* ---- reading ---------------------------------------------------------------------------------------- */

static bool section_add(struct profile_network *network, enum network_kind kind, const char *name,
                        const struct rows *rows, size_t row, struct error *err)
{
    struct network_section *section = profile_network_add(network, kind, name);
    const char *column;

    if (!section)
        return error_set(err, ERROR_INTERNAL, "the profile has more networks than AMT holds");
    for (size_t i = 0; network_key_at(kind, i, &column); i++)
        network_value_from_sql(section, i, row_text(rows, row, column));
    if (kind == NETWORK_WIRELESS_PROFILE || kind == NETWORK_WIRED) {
        size_t length;
        const unsigned char *der = row_bytes(rows, row, "trusted_root", &length);

        bytes_set(&section->trusted_root, der, length);
    }
    return true;
}

bool profile_networks_read(struct session *session, const char *profile, struct profile_network *network,
                           struct error *err)
{
    AUTO(rows_free) struct rows *general = NULL;
    AUTO(rows_free) struct rows *wireless = NULL;
    AUTO(rows_free) struct rows *wired = NULL;

    if (!rows_of(session, CONTROL_STATEMENT_PROFILE_NETWORK, profile, &general, err) ||
        !rows_of(session, CONTROL_STATEMENT_PROFILE_WIRELESS, profile, &wireless, err) ||
        !rows_of(session, CONTROL_STATEMENT_PROFILE_WIRED_8021X, profile, &wired, err))
        return false;
    if (rows_count(general) && strcmp(row_text(general, 0, "wireless"), "managed") == 0 &&
        !section_add(network, NETWORK_WIRELESS, NULL, general, 0, err))
        return false;
    for (size_t i = 0; i < rows_count(wireless); i++) {
        if (!section_add(network, NETWORK_WIRELESS_PROFILE, row_text(wireless, i, "name"), wireless, i, err))
            return false;
    }
    if (rows_count(wired) && !section_add(network, NETWORK_WIRED, NULL, wired, 0, err))
        return false;
    return !rows_count(general) ||
           (row_is_null(general, 0, "kvm_session_timeout_min") &&
            row_is_null(general, 0, "kvm_consent_timeout_s")) ||
           section_add(network, NETWORK_KVM, NULL, general, 0, err);
}

/* ---- writing ---------------------------------------------------------------------------------------- */

/* Members of a JSON object, without its braces. section may be NULL. */
static void print_members(const struct network_section *section, const char **separator, FILE *out)
{
    const char *name;

    for (size_t i = 0; section && network_key_at(section->kind, i, &name); i++) {
        AUTO(text_free) char *value = network_value_to_sql(section, i);

        if (!value)
            continue;
        fputs(*separator, out);
        *separator = ", ";
        json_print_text(name, out);
        fputs(": ", out);
        json_print_text(value, out);
    }
}

static char *section_json(const struct network_section *section)
{
    const char *separator = "";
    char *json = NULL;
    size_t size;
    FILE *out = open_memstream(&json, &size);

    putc('{', out);
    print_members(section, &separator, out);
    putc('}', out);
    fclose(out);
    return json;
}

static bool add_secrets(struct session *session, const struct network_section *section, const char *place,
                        const struct profile_passwords *passwords, struct parameters *parameters,
                        struct error *err)
{
    AUTO(text_free) char *title = network_section_title(section);
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    const struct secret *password = profile_password_of(passwords, title);
    struct vault *vault;

    if (password &&
        (!session_vault(session, &vault, err) || !vault_seal(vault, place, password, &sealed, err)))
        return false;
    parameters_bytes(parameters, section->trusted_root.data, section->trusted_root.length);
    parameters_sealed(parameters, password ? &sealed : NULL);
    return true;
}

static bool write_wireless_profile(struct session *session, const char *profile,
                                   const struct network_section *section,
                                   const struct profile_passwords *passwords, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(text_free) char *json = section_json(section);
    char place[VAULT_PLACE_SIZE];

    parameters_text(parameters, profile);
    parameters_text(parameters, section->name);
    parameters_text(parameters, json);
    return add_secrets(session, section, vault_place_profile_wireless(profile, section->name, place),
                       passwords, parameters, err) &&
           session_do(session, CONTROL_STATEMENT_PROFILE_WIRELESS_SET, &parameters, err);
}

static bool write_wired(struct session *session, const char *profile, const struct network_section *section,
                        const struct profile_passwords *passwords, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(text_free) char *json = NULL;
    char place[VAULT_PLACE_SIZE];

    parameters_text(parameters, profile);
    if (!section)
        return session_do(session, CONTROL_STATEMENT_PROFILE_WIRED_8021X_REMOVE, &parameters, err);
    json = section_json(section);
    parameters_text(parameters, json);
    return add_secrets(session, section, vault_place_profile_wired(profile, place), passwords, parameters,
                       err) &&
           session_do(session, CONTROL_STATEMENT_PROFILE_WIRED_8021X_SET, &parameters, err);
}

static bool remove_former(struct session *session, const char *profile, const struct profile_network *network,
                          struct error *err)
{
    AUTO(rows_free) struct rows *former = NULL;

    if (!rows_of(session, CONTROL_STATEMENT_PROFILE_WIRELESS, profile, &former, err))
        return false;
    for (size_t i = 0; i < rows_count(former); i++) {
        AUTO(parameters_free) struct parameters *parameters = parameters_new();
        const char *name = row_text(former, i, "name");

        if (profile_network_find(network, NETWORK_WIRELESS_PROFILE, name))
            continue;
        parameters_text(parameters, profile);
        parameters_text(parameters, name);
        if (!session_do(session, CONTROL_STATEMENT_PROFILE_WIRELESS_REMOVE, &parameters, err))
            return false;
    }
    return true;
}

static bool write_general(struct session *session, const char *profile, const struct profile_network *network,
                          struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(text_free) char *json = NULL;
    bool managed = profile_network_find(network, NETWORK_WIRELESS, NULL) ||
                   profile_network_find(network, NETWORK_WIRELESS_PROFILE, NULL);
    const char *separator = ", ";
    size_t size;
    FILE *out = open_memstream(&json, &size);

    fprintf(out, "{\"wireless\": \"%s\"", managed ? "managed" : "leave");
    print_members(profile_network_find(network, NETWORK_WIRELESS, NULL), &separator, out);
    print_members(profile_network_find(network, NETWORK_KVM, NULL), &separator, out);
    putc('}', out);
    fclose(out);
    parameters_text(parameters, profile);
    parameters_text(parameters, json);
    return session_do(session, CONTROL_STATEMENT_PROFILE_NETWORK_SET, &parameters, err);
}

bool profile_networks_write(struct session *session, const char *profile,
                            const struct profile_network *network, const struct profile_passwords *passwords,
                            struct error *err)
{
    if (!remove_former(session, profile, network, err))
        return false;
    for (size_t i = 0; i < network->count; i++) {
        if (network->sections[i].kind == NETWORK_WIRELESS_PROFILE &&
            !write_wireless_profile(session, profile, &network->sections[i], passwords, err))
            return false;
    }
    return write_wired(session, profile, profile_network_find(network, NETWORK_WIRED, NULL), passwords,
                       err) &&
           write_general(session, profile, network, err);
}
