/*
 * config_table.h - configuration as one table: name, kind, place, default, meaning.
 *
 * The parser, --show-config, --sample-config and the README's reference come from the table. A file has
 * `key = value` lines; # begins a comment at the start of a line. Unknown keys, values out of range and
 * unreadable files stop the start with FILE:LINE, the key and the reason (spec 11). Secrets are given as
 * files, never as values.
 */
#ifndef COMMON_CONFIG_TABLE_H
#define COMMON_CONFIG_TABLE_H

#include <stdint.h>
#include <stdio.h>

#include "error.h"

enum config_kind {
    CONFIG_TEXT,    /* char *; owned by the target struct, released by config_clear() */
    CONFIG_LIST,    /* struct config_list; comma-separated, blanks around items dropped */
    CONFIG_NUMBER,  /* int64_t, least to most */
    CONFIG_SECONDS, /* int64_t; 30s, 5m, 2h, 42d or a plain number of seconds */
    CONFIG_SWITCH,  /* bool; on or off */
    CONFIG_WORD,    /* char *, as CONFIG_TEXT; one of the key's words */
};

struct config_list {
    char **items;
    size_t count;
};

struct config_key {
    const char *name;
    enum config_kind kind;
    size_t offset;             /* in the program's configuration struct */
    const char *default_value; /* as it would be typed; NULL: the key must be given */
    int64_t least, most;       /* of numbers and seconds; both 0: any that is not negative */
    const char *meaning;
    const char *words; /* "one, other, third", for CONFIG_WORD */
};

#define CONFIG_KEY(type, name, kind, field, default_value, meaning)                                          \
    {                                                                                                        \
        (name), (kind), offsetof(type, field), (default_value), 0, 0, (meaning), NULL                        \
    }
#define CONFIG_RANGE(type, name, kind, field, default_value, least, most, meaning)                           \
    {                                                                                                        \
        (name), (kind), offsetof(type, field), (default_value), (least), (most), (meaning), NULL             \
    }

#define CONFIG_CHOICE(type, name, field, default_value, words, meaning)                                      \
    {                                                                                                        \
        (name), CONFIG_WORD, offsetof(type, field), (default_value), 0, 0, (meaning), (words)                \
    }

struct config_table {
    const char *program; /* for messages, e.g. "amt-site-server" */
    const struct config_key *keys;
    size_t count;
    /* What no key can say alone; may fill in what was left open. NULL: nothing. */
    bool (*check)(void *target, struct error *err);
};

/*
 * Sets every key of *target to its default, then reads the file (NULL: none), then the settings, each
 * "key=value" (they win), and has the whole checked. *target must be zeroed. On false nothing is left to
 * release.
 */
bool config_read(const struct config_table *table, void *target, const char *file,
                 const char *const *settings, size_t setting_count, struct error *err) MUST_CHECK;
void config_clear(const struct config_table *table, void *target);
/* What is in force, as a file that could be read again. */
void config_show(const struct config_table *table, const void *target, FILE *out);
/* A commented sample with the defaults. */
void config_sample(const struct config_table *table, FILE *out);

/* What a daemon's command line asks for, besides its own options. */
struct config_command {
    const char *file;      /* --config FILE; borrowed from argv */
    const char **settings; /* --set KEY=VALUE, repeatable; owned array of borrowed texts */
    size_t setting_count;
    bool show;              /* --show-config */
    const char *create_key; /* --create-key FILE */
    bool migrate;           /* --migrate; refused by programs that have nothing to migrate */
};

/*
 * Reads argv. --help, --version and --sample-config are carried out here and end the process with
 * success; a wrong command line is an error.
 */
bool config_command_read(const struct config_table *table, int argc, char **argv,
                         struct config_command *command, struct error *err) MUST_CHECK;
void config_command_clear(struct config_command *command);

#endif
