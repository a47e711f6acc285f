/*
 * command.h - what a person can type.
 */
#ifndef CLIENT_AGENT_COMMAND_H
#define CLIENT_AGENT_COMMAND_H

#include "common/config_table.h"

enum verb { VERB_NONE, VERB_STATUS, VERB_CHECK, VERB_PROVISION };

struct command {
    enum verb verb; /* VERB_NONE: only what config asks for */
    bool json, dry_run, scheduled;
    struct config_command config;
};

/* --help, --version and --sample-config are carried out here and end the process with success. On true the
 * caller ends *command with command_clear(). */
bool command_read(struct command *command, int argc, char **argv, struct error *err) MUST_CHECK;
void command_clear(struct command *command);

#endif
