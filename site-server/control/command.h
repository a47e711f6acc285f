/*
 * command.h - what a person can type: one table of nouns and verbs.
 */
#ifndef CONTROL_COMMAND_H
#define CONTROL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"

struct session;

enum option_id {
    OPTION_DATABASE,
    OPTION_KEY_FILE,
    OPTION_JSON,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_COMMON_LAST = OPTION_VERSION, /* those above may stand with every command */
    OPTION_STATUS,
    OPTION_REASON,
    OPTION_STATE,
    OPTION_PROFILE,
    OPTION_SEARCH,
    OPTION_LIMIT,
    OPTION_WHY,
    OPTION_ALL,
    OPTION_TIMEOUT,
    OPTION_PASSWORD_FILE,
    OPTION_MEBX_PASSWORD_FILE,
    OPTION_USER,
    OPTION_POSITION,
    OPTION_NAME,
    OPTION_SUBNETS,
    OPTION_KEY_ONLY,
    OPTION_SUBJECT,
    OPTION_DAYS,
    OPTION_REPLACE,
    OPTION_PEM,
    OPTION_CERTIFICATE,
    OPTION_QUEUE_KEY_FILE,
    OPTION_CONFIG,
    OPTION_COMPUTER,
    OPTION_PROVISION,
    OPTION_ENABLE_AMT,
    OPTION_FORGET_PASSWORDS,
    OPTION_COUNT,
};

#define OPTION_REPEAT_MAX 16

struct invocation {
    const struct command *command;
    char **arguments; /* behind noun and verb */
    size_t argument_count;
    const char *options[OPTION_COUNT]; /* the last value given; "" for one that takes none; NULL: not given */
    const char *certificates[OPTION_REPEAT_MAX];
    size_t certificate_count;
};

/* Returns false with the error when anything at all did not go well. */
typedef bool command_function(struct session *session, const struct invocation *invocation,
                              struct error *err);

struct command {
    const char *noun, *verb; /* verb is NULL where the noun alone is the command */
    const char *arguments;   /* as shown: "UUID|FQDN..." */
    size_t arguments_min, arguments_max;
    uint64_t options; /* OPTION_BIT() of those it takes besides the common ones */
    const char *role; /* the database role it needs; NULL: none, or none known beforehand */
    const char *summary;
    const char *help; /* the paragraphs of --help */
    command_function *run;
};

#define OPTION_BIT(id)        (UINT64_C(1) << (id))
#define COMMAND_ARGUMENTS_ANY ((size_t)-1)

extern const struct command commands[];
extern const size_t command_count;

enum parsed { PARSED_COMMAND, PARSED_HELP, PARSED_VERSION, PARSED_WRONG };

/* The invocation borrows argv, which is reordered. PARSED_HELP: help_print() knows what for. */
enum parsed invocation_parse(int argc, char **argv, struct invocation *invocation,
                             struct error *err) MUST_CHECK;
/* For the invocation's command, else for what its words begin, else for all. */
void help_print(const struct invocation *invocation, FILE *out);

#endif
