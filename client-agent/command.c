#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

static const char usage[] =
    "usage: amt-client-agent status [--json] [OPTION...]\n"
    "       amt-client-agent check [--json] [OPTION...]\n"
    "       amt-client-agent provision [--dry-run] [--scheduled] [OPTION...]\n"
    "       amt-client-agent OPTION...\n"
    "\n"
    "  status              print what AMT says; needs no site\n"
    "  check               print what stands in the way of provisioning; asks the site if there is one\n"
    "  provision           ask the site whether to provision, check, and begin\n"
    "  --dry-run           end before anything is registered or written to firmware\n"
    "  --scheduled         do nothing before the time at which the site wants to hear from us again\n"
    "\n"
    "  --config FILE       read this configuration\n"
    "  --set KEY=VALUE     set one key; wins over the file; may be repeated\n"
    "  --show-config       print what is in force and end\n"
    "  --sample-config     print a commented sample and end\n"
    "  --create-key FILE   make a key pair for the queue, print its public key and end\n"
    "  --version, --help\n"
    "\n"
    "Exit status: 0 all went well, 2 a check failed, 1 anything else.\n";

static bool read_verb(struct command *command, const char *word, struct error *err)
{
    static const char *const names[] = {
        [VERB_STATUS] = "status", [VERB_CHECK] = "check", [VERB_PROVISION] = "provision"
    };

    for (size_t i = VERB_STATUS; i < COUNT_OF(names); i++) {
        if (strcmp(word, names[i]) == 0) {
            command->verb = (enum verb)i;
            return true;
        }
    }
    return error_set(err, ERROR_INPUT, "%s: not understood; see --help", word);
}

/* True when the word is one of our own flags, taken. */
static bool take_flag(struct command *command, const char *word)
{
    const struct {
        const char *name;
        bool *flag;
        bool fits;
    } flags[] = {
        { "--json", &command->json, command->verb == VERB_STATUS || command->verb == VERB_CHECK },
        { "--dry-run", &command->dry_run, command->verb == VERB_PROVISION },
        { "--scheduled", &command->scheduled, command->verb == VERB_PROVISION },
    };

    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        if (flags[i].fits && strcmp(word, flags[i].name) == 0) {
            *flags[i].flag = true;
            return true;
        }
    }
    return false;
}

/* The verb and its flags are taken out; the rest is what every program of ours understands. */
static bool split(struct command *command, int argc, char **argv, char **rest, int *rest_count,
                  struct error *err)
{
    int i = 1;

    rest[(*rest_count)++] = argv[0];
    if (argc > 1 && argv[1][0] != '-' && !read_verb(command, argv[i++], err))
        return false;
    for (; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        }
        if (!take_flag(command, argv[i]))
            rest[(*rest_count)++] = argv[i];
    }
    return true;
}

bool command_read(struct command *command, int argc, char **argv, struct error *err)
{
    char **rest = allocate(((size_t)argc + 1) * sizeof(*rest));
    struct command read = { 0 };
    int rest_count = 0;
    bool good = split(&read, argc, argv, rest, &rest_count, err) &&
                config_command_read(&agent_config_table, rest_count, rest, &read.config, err);

    free(rest);
    if (good && read.config.migrate)
        good = error_set(err, ERROR_INPUT, "--migrate belongs to amt-site-server: an agent has no database");
    if (good && read.verb == VERB_NONE && !read.config.show && !read.config.create_key)
        good = error_set(err, ERROR_INPUT, "no command given; see --help");
    if (good)
        *command = read;
    else
        command_clear(&read);
    return good;
}

void command_clear(struct command *command)
{
    config_command_clear(&command->config);
}
