#include "config_table.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "version.h"

static void file_close(FILE **file)
{
    if (*file)
        fclose(*file);
    *file = NULL;
}

static void list_clear(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    list->items = NULL;
    list->count = 0;
}

static void list_parse(const char *value, struct config_list *list)
{
    AUTO(text_free) char *copy = text_copy(value);
    char *rest = copy;
    char *item;

    list_clear(list);
    while ((item = strsep(&rest, ",")) != NULL) {
        item = text_trim(item);
        if (!*item)
            continue;
        list->items = reallocate(list->items, list->count + 1, sizeof(*list->items));
        list->items[list->count++] = text_copy(item);
    }
}

static bool number_parse(const struct config_key *key, const char *value, int64_t *number, struct error *err)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    int64_t least = key->least, most = key->most ? key->most : INT64_MAX;
    int64_t factor = 1;
    char *end;
    long long parsed;

    errno = 0;
    parsed = strtoll(value, &end, 10);
    if (key->kind == CONFIG_SECONDS && end != value && *end) {
        for (size_t i = 0; i < COUNT_OF(units); i++) {
            if (*end == units[i].unit && !end[1]) {
                factor = units[i].seconds;
                end++;
                break;
            }
        }
    }
    if (end == value || *end || errno == ERANGE)
        return error_set(err, ERROR_INPUT, "%s: '%s' is not a %s", key->name, value,
                         key->kind == CONFIG_SECONDS ? "duration (such as 30s, 5m, 2h, 42d)" : "number");
    if (parsed < INT64_MIN / factor || parsed > INT64_MAX / factor || parsed * factor < least ||
        parsed * factor > most)
        return error_set(err, ERROR_INPUT, "%s: %s is out of range (%" PRId64 " to %" PRId64 ")", key->name,
                         value, least, most);
    *number = parsed * factor;
    return true;
}

static bool is_word_of(const char *value, const char *words)
{
    size_t length = strlen(value);

    for (const char *word = words; length && word; word = strchr(word, ',')) {
        word += strspn(word, ", ");
        if (strncmp(word, value, length) == 0 && strchr(",", word[length]))
            return true;
    }
    return false;
}

static bool set(const struct config_key *key, void *target, const char *value, struct error *err)
{
    void *place = (char *)target + key->offset;

    switch (key->kind) {
    case CONFIG_WORD:
        if (!is_word_of(value, key->words))
            return error_set(err, ERROR_INPUT, "%s: '%s' is none of %s", key->name, value, key->words);
        text_set(place, value);
        return true;
    case CONFIG_TEXT:
        text_set(place, value);
        return true;
    case CONFIG_LIST:
        list_parse(value, place);
        return true;
    case CONFIG_NUMBER:
    case CONFIG_SECONDS:
        return number_parse(key, value, place, err);
    case CONFIG_SWITCH:
        if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
            return error_set(err, ERROR_INPUT, "%s: '%s' is neither on nor off", key->name, value);
        *(bool *)place = strcmp(value, "on") == 0;
        return true;
    }
    return error_set(err, ERROR_INTERNAL, "%s: kind %d", key->name, (int)key->kind);
}

/* Takes "key = value"; the text is changed. given[i] is set for the key that was found. */
static bool set_line(const struct config_table *table, void *target, char *line, bool *given,
                     struct error *err)
{
    char *equals = strchr(line, '=');
    const char *name, *value;

    if (!equals)
        return error_set(err, ERROR_INPUT, "'%s' is not of the form key = value", line);
    *equals = '\0';
    name = text_trim(line);
    value = text_trim(equals + 1);
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->keys[i].name, name) == 0) {
            given[i] = true;
            return set(&table->keys[i], target, value, err);
        }
    }
    return error_set(err, ERROR_INPUT, "%s: no such key; %s --sample-config lists them", name,
                     table->program);
}

static bool read_file(const struct config_table *table, void *target, const char *path, bool *given,
                      struct error *err)
{
    AUTO(file_close) FILE *file = fopen(path, "re");
    AUTO(text_free) char *line = NULL;
    size_t capacity = 0;

    if (!file)
        return error_set(err, ERROR_INPUT, "cannot read %s: %s", path, strerror(errno));
    for (unsigned number = 1; getline(&line, &capacity, file) >= 0; number++) {
        char *text = text_trim(line);

        if (*text && *text != '#' && !set_line(table, target, text, given, err))
            return error_during(err, "%s:%u", path, number);
    }
    if (ferror(file))
        return error_set(err, ERROR_INPUT, "cannot read %s: %s", path, strerror(errno));
    return true;
}

bool config_read(const struct config_table *table, void *target, const char *file,
                 const char *const *settings, size_t setting_count, struct error *err)
{
    bool *given = allocate(table->count * sizeof(*given));
    bool read = true;

    for (size_t i = 0; read && i < table->count; i++)
        read =
            !table->keys[i].default_value || set(&table->keys[i], target, table->keys[i].default_value, err);
    if (read && file)
        read = read_file(table, target, file, given, err);
    for (size_t i = 0; read && i < setting_count; i++) {
        AUTO(text_free) char *line = text_copy(settings[i]);

        read = set_line(table, target, line, given, err) || error_during(err, "--set");
    }
    for (size_t i = 0; read && i < table->count; i++) {
        if (!table->keys[i].default_value && !given[i])
            read = error_set(err, ERROR_INPUT, "%s%s%s is not set: %s", file ? file : "", file ? ": " : "",
                             table->keys[i].name, table->keys[i].meaning);
    }
    free(given);
    read = read && (!table->check || table->check(target, err));
    if (!read)
        config_clear(table, target);
    return read;
}

void config_clear(const struct config_table *table, void *target)
{
    for (size_t i = 0; i < table->count; i++) {
        void *place = (char *)target + table->keys[i].offset;

        if (table->keys[i].kind == CONFIG_TEXT || table->keys[i].kind == CONFIG_WORD)
            text_free(place);
        else if (table->keys[i].kind == CONFIG_LIST)
            list_clear(place);
    }
}

void config_show(const struct config_table *table, const void *target, FILE *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_key *key = &table->keys[i];
        const void *place = (const char *)target + key->offset;

        fprintf(out, "%s =", key->name);
        switch (key->kind) {
        case CONFIG_TEXT:
        case CONFIG_WORD:
            fprintf(out, " %s", *(char *const *)place ? *(char *const *)place : "");
            break;
        case CONFIG_LIST: {
            const struct config_list *list = place;

            for (size_t item = 0; item < list->count; item++)
                fprintf(out, "%s %s", item ? "," : "", list->items[item]);
            break;
        }
        case CONFIG_NUMBER:
        case CONFIG_SECONDS:
            fprintf(out, " %" PRId64 "%s", *(const int64_t *)place, key->kind == CONFIG_SECONDS ? "s" : "");
            break;
        case CONFIG_SWITCH:
            fputs(*(const bool *)place ? " on" : " off", out);
            break;
        }
        fputc('\n', out);
    }
}

void config_sample(const struct config_table *table, FILE *out)
{
    fprintf(out, "# Configuration of %s. The values shown are the defaults.\n", table->program);
    for (size_t i = 0; i < table->count; i++) {
        const struct config_key *key = &table->keys[i];

        fprintf(out, "\n# %s%s\n#%s = %s\n", key->meaning, key->default_value ? "" : " (must be set)",
                key->name, key->default_value ? key->default_value : "");
    }
}

static void help(const struct config_table *table)
{
    printf("usage: %s [OPTION...]\n\n"
           "  --config FILE       read this configuration\n"
           "  --set KEY=VALUE     set one key; wins over the file; may be repeated\n"
           "  --show-config       print what is in force and end\n"
           "  --sample-config     print a commented sample and end\n"
           "  --create-key FILE   make a key pair for the queue, print its public key and end\n"
           "  --migrate           bring the database's schema up to date and end (site server only)\n"
           "  --version, --help\n",
           table->program);
}

bool config_command_read(const struct config_table *table, int argc, char **argv,
                         struct config_command *command, struct error *err)
{
    enum { CONFIG = 1, SET, SHOW, SAMPLE, KEY, MIGRATE, VERSION, HELP };
    static const struct option options[] = {
        { "config", required_argument, NULL, CONFIG },
        { "set", required_argument, NULL, SET },
        { "show-config", no_argument, NULL, SHOW },
        { "sample-config", no_argument, NULL, SAMPLE },
        { "create-key", required_argument, NULL, KEY },
        { "migrate", no_argument, NULL, MIGRATE },
        { "version", no_argument, NULL, VERSION },
        { "help", no_argument, NULL, HELP },
        { 0 },
    };
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case CONFIG:
            command->file = optarg;
            break;
        case SET:
            command->settings =
                reallocate(command->settings, command->setting_count + 1, sizeof(*command->settings));
            command->settings[command->setting_count++] = optarg;
            break;
        case SHOW:
            command->show = true;
            break;
        case SAMPLE:
            config_sample(table, stdout);
            exit(EXIT_SUCCESS);
        case KEY:
            command->create_key = optarg;
            break;
        case MIGRATE:
            command->migrate = true;
            break;
        case VERSION:
            printf("%s %s\n", table->program, PRODUCT_VERSION);
            exit(EXIT_SUCCESS);
        case HELP:
            help(table);
            exit(EXIT_SUCCESS);
        default:
            config_command_clear(command);
            return error_set(err, ERROR_INPUT, "%s: not understood; see --help", argv[optind - 1]);
        }
    }
    if (optind < argc) {
        config_command_clear(command);
        return error_set(err, ERROR_INPUT, "%s: not understood; see --help", argv[optind]);
    }
    return true;
}

void config_command_clear(struct config_command *command)
{
    free(command->settings);
    memset(command, 0, sizeof(*command));
}
