#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/privileges.h"
#include "common/secret.h"
#include "queue/client.h"
#include "service_point.h"

static bool create_key(const char *path, struct error *err)
{
    AUTO(curve_key_clear) struct curve_key_pair pair = { 0 };

    if (!queue_key_generate(&pair, err) || !curve_key_create(path, &pair, err))
        return false;
    puts(pair.public_key);
    return true;
}

static bool serve(const struct config *config, struct error *err)
{
    AUTO(service_point_close) struct service_point *point = NULL;

    return log_set_level(config->log_level) && service_point_open(&point, config, err) &&
           privileges_drop(config->process_user, err) /* after the last privileged open */ &&
           service_point_serve(point, err);
}

static bool run(const struct config_command *command, struct error *err)
{
    AUTO(point_config_clear) struct config config = { 0 };

    if (command->create_key)
        return create_key(command->create_key, err);
    if (!point_config_read(command, &config, err))
        return false;
    if (command->show) {
        config_show(&point_config_table, &config, stdout);
        return true;
    }
    if (!serve(&config, err))
        return false;
    log_info("stopped");
    return true;
}

int main(int argc, char **argv)
{
    struct config_command command = { 0 };
    struct error err = { 0 };
    bool served;

    secret_protect_process();
    served = config_command_read(&point_config_table, argc, argv, &command, &err);
    if (served && command.migrate)
        served = error_set(&err, ERROR_INPUT,
                           "--migrate belongs to amt-site-server: a service point has no database");
    served = served && run(&command, &err);
    config_command_clear(&command);
    if (!served)
        log_error("stopped", log_text("why", err.message));
    return served ? EXIT_SUCCESS : EXIT_FAILURE;
}
