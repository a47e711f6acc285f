/*
 * amt-site-server: the one logical server of a site. Its story is in server.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/privileges.h"
#include "database/schema_change.h"
#include "server.h"

static bool create_key(const char *path, struct error *err)
{
    struct curve_key_pair pair = { 0 };
    bool created = endpoint_make_keys(&pair, err) && curve_key_create(path, &pair, err);

    if (created)
        puts(pair.public_key);
    curve_key_clear(&pair);
    return created;
}

static bool show_config(const struct config_command *command, struct error *err)
{
    struct config config = { 0 };

    if (!site_config_read(command, &config, err))
        return false;
    config_show(&site_config_table, &config, stdout);
    site_config_clear(&config);
    return true;
}

static bool migrate(const struct config_command *command, struct error *err)
{
    struct config config = { 0 };
    unsigned applied = 0;
    bool migrated;

    if (!site_config_read(command, &config, err))
        return false;
    migrated = schema_migrate(config.database_url, &applied, err);
    site_config_clear(&config);
    if (migrated)
        log_info("schema up to date", log_number("version", schema_version_needed()),
                 log_number("applied", applied));
    return migrated;
}

static bool serve(const struct config_command *command, struct error *err)
{
    struct server server = { 0 };
    bool served;

    secret_protect_process(); /* before the first secret is read */
    served =
        server_configure(&server, command, err) && server_catch_signals(&server, err) &&
        server_read_directory(&server, err) && server_open_vault(&server, err) &&
        server_open_queue(&server, err) && server_open_issuing(&server, err) &&
        server_open_agents(&server, err) && server_open_metrics(&server, err) &&
        privileges_drop(server.config.process_user, err) && /* after the last privileged open, and before */
        /* the database and the directory's keytab, which know us by the user that we have become */
        server_open_journal(&server, err) && server_open_directory(&server, err) && server_run(&server, err);
    server_close(&server);
    if (served)
        log_info("stopped");
    return served;
}

static bool carry_out(const struct config_command *command, struct error *err)
{
    if (command->create_key)
        return create_key(command->create_key, err);
    if (command->show)
        return show_config(command, err);
    if (command->migrate)
        return migrate(command, err);
    return serve(command, err);
}

int main(int argc, char **argv)
{
    struct config_command command = { 0 };
    struct error err = { 0 };
    bool done =
        config_command_read(&site_config_table, argc, argv, &command, &err) && carry_out(&command, &err);

    if (!done)
        log_error("stopped", log_text("why", err.message));
    config_command_clear(&command);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
