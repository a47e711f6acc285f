#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "common/log.h"
#include "common/privileges.h"
#include "provision.h"
#include "schedule.h"
#include "status.h"

enum exit_status { ENDED_WELL = 0, ENDED_WITH_ERROR = 1, ENDED_WITH_FAILED_CHECK = 2 };

static bool create_key(const char *path, struct error *err)
{
    AUTO(curve_key_clear) struct curve_key_pair pair = { 0 };

    if (!site_key_generate(&pair, err) || !curve_key_create(path, &pair, err))
        return false;
    puts(pair.public_key);
    return true;
}

/* Standard output is the answer, so that a failure to find AMT is told there too. */
static enum exit_status show_status(const struct command *command, const struct config *config)
{
    AUTO(computer_clear) struct computer computer = { 0 };

    computer_examine(&computer, config, NULL);
    (command->json ? status_print_json : status_print)(&computer, stdout);
    return computer.has_amt ? ENDED_WELL : ENDED_WITH_FAILED_CHECK;
}

static bool print_checks(const struct command *command, const struct computer *computer,
                         const struct message_policy *policy, struct error *err)
{
    return (command->json ? status_print_checks_json : status_print_checks)(computer, policy, stdout, err);
}

static enum exit_status check(const struct command *command, const struct config *config, struct error *err)
{
    AUTO(meeting_end) struct meeting meeting = { 0 };
    struct error failed = { 0 }; /* printed already */

    if (!*config->site_public_key) {
        computer_examine(&meeting.computer, config, NULL);
        return print_checks(command, &meeting.computer, NULL, &failed) ? ENDED_WELL : ENDED_WITH_FAILED_CHECK;
    }
    if (!meeting_begin(&meeting, config, err))
        return ENDED_WITH_ERROR;
    return print_checks(command, &meeting.computer, &meeting.policy.policy, &failed)
               ? ENDED_WELL
               : ENDED_WITH_FAILED_CHECK;
}

static enum exit_status provision_now(const struct command *command, const struct config *config,
                                      struct error *err)
{
    if (command->scheduled && !schedule_due(config->schedule_file))
        return ENDED_WELL;
    switch (provision(config, command->dry_run, err)) {
    case PROVISION_BEGUN:
    case PROVISION_NOT_WANTED:
        return ENDED_WELL;
    case PROVISION_CHECK_FAILED:
        log_warning("cannot be provisioned", log_text("reason", reason_of(err->reason)->name),
                    log_text("why", err->message));
        return ENDED_WITH_FAILED_CHECK;
    default:
        return ENDED_WITH_ERROR;
    }
}

static enum exit_status carry_out(const struct command *command, const struct config *config,
                                  struct error *err)
{
    switch (command->verb) {
    case VERB_STATUS:
        return show_status(command, config);
    case VERB_CHECK:
        return check(command, config, err);
    default:
        return provision_now(command, config, err);
    }
}

static enum exit_status run(const struct command *command, struct error *err)
{
    AUTO(agent_config_clear) struct config config = { 0 };

    if (command->config.create_key)
        return create_key(command->config.create_key, err) ? ENDED_WELL : ENDED_WITH_ERROR;
    if (!agent_config_read(&command->config, &config, err))
        return ENDED_WITH_ERROR;
    if (command->config.show) {
        config_show(&agent_config_table, &config, stdout);
        return ENDED_WELL;
    }
    log_set_level(config.log_level);
    if (!privileges_drop(config.process_user, err)) /* before the first byte of firmware or site is read */
        return ENDED_WITH_ERROR;
    return carry_out(command, &config, err);
}

int main(int argc, char **argv)
{
    struct command command = { 0 };
    struct error err = { 0 };
    enum exit_status status;

    secret_protect_process();
    status = command_read(&command, argc, argv, &err) ? run(&command, &err) : ENDED_WITH_ERROR;
    command_clear(&command);
    if (status == ENDED_WITH_ERROR)
        log_error("stopped", log_text("why", err.message));
    return status;
}
