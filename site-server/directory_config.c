#include "directory_config.h"

#include <string.h>

#include "common/private_file.h"

bool directory_password_read(const struct config *config, struct secret **password, struct error *err)
{
    AUTO(secret_free) struct secret *content = NULL;

    *password = NULL;
    if (!*config->directory_servers || !*config->directory_bind_user)
        return true;
    if (!private_file_read(config->directory_password_file, &content, err))
        return error_during(err, "directory.password_file");
    *password = secret_new(secret_reveal(content), strcspn(secret_reveal(content), "\r\n"));
    return secret_length(*password) > 0 || error_set(err, ERROR_INPUT, "directory.password_file: %s is empty",
                                                     config->directory_password_file);
}

bool directory_keytab_check(const struct config *config, struct error *err)
{
    AUTO(secret_free) struct secret *content = NULL;

    if (!*config->directory_servers || !*config->directory_keytab)
        return true;
    if (!private_file_read(config->directory_keytab, &content, err))
        return error_during(err, "directory.keytab");
    return true;
}

void directory_settings_of(const struct config *config, const struct secret *password,
                           struct directory_settings *settings)
{
    *settings = (struct directory_settings){
        .ldap = { .servers = config->directory_servers,
                  .global_catalogs = config->directory_global_catalogs,
                  .ca_file = config->directory_ca_file,
                  .starttls = config->directory_starttls,
                  .bind_user = config->directory_bind_user,
                  .password = password,
                  .timeout_s = (unsigned)config->directory_timeout_s },
        .object = { .container = config->directory_container, .group = config->directory_group },
    };
}
