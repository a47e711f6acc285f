#include "fleet.h"

#include "settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 80 };

struct pair {
    char *key, *value;
    bool used;
};

static size_t split(char *line, struct pair pairs[KEYS_MAX], struct error *err)
{
    char *rest = line, *word;
    size_t count = 0;

    while ((word = strsep(&rest, " \t\r\n"))) {
        char *equals = strchr(word, '=');

        if (!*word)
            continue;
        if (!equals || equals == word || count == KEYS_MAX) {
            error_set(err, "\"%s\" is not key=value", word);
            return 0;
        }
        *equals = '\0';
        pairs[count++] = (struct pair){ .key = word, .value = equals + 1 };
    }
    if (!count)
        error_set(err, "no key=value in it");
    return count;
}

static struct pair *pair_of(struct pair *pairs, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(pairs[i].key, key))
            return &pairs[i];
    return NULL;
}

static const char *needed(struct pair *pairs, size_t count, const char *key, struct error *err)
{
    struct pair *pair = pair_of(pairs, count, key);

    if (!pair) {
        error_set(err, "%s= is missing", key);
        return NULL;
    }
    pair->used = true;
    return pair->value;
}

static bool name_device(struct device *device, struct pair *pairs, size_t count, struct error *err)
{
    const char *uuid = needed(pairs, count, "uuid", err);
    const char *address = uuid ? needed(pairs, count, "address", err) : NULL;
    const char *generation = address ? needed(pairs, count, "generation", err) : NULL;

    if (!generation)
        return false;
    if (!uuid_parse(uuid, device->uuid))
        return error_set(err, "uuid: \"%s\" is not a UUID", uuid);
    uuid_format(device->uuid, device->uuid_text);
    if (inet_pton(AF_INET, address, &device->address) != 1 || ntohl(device->address.s_addr) >> 24 != 127)
        return error_set(err, "address: \"%s\" is not a loopback address 127.x.y.z", address);
    inet_ntop(AF_INET, &device->address, device->address_text, sizeof(device->address_text));
    device->generation = generation_find(generation);
    return device->generation ||
           error_set(err, "generation: \"%s\" is none of %s", generation, generation_names());
}

/* What a reset comes back to. */
static bool note_initial(struct device *device, struct pair *pairs, size_t count, struct error *err)
{
    const struct {
        const char *key;
        char **place;
    } texts[] = { { "admin-password", &device->initial_admin_password },
                  { "mebx-password", &device->initial_mebx_password },
                  { "suffix", &device->initial_suffix } };
    struct pair *state = pair_of(pairs, count, "state"), *realm = pair_of(pairs, count, "realm");

    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct pair *pair = pair_of(pairs, count, texts[i].key);

        if (!pair)
            continue;
        replace_text(texts[i].place, *pair->value ? pair->value : NULL);
        pair->used = true;
    }
    if (realm && !setting_apply(device, "realm", realm->value, err))
        return false;
    if (!state)
        return true;
    state->used = true;
    if (!setting_apply(device, "state", state->value, err))
        return false;
    device->initial_state = device->state;
    return true;
}

bool fleet_line(const char *line, struct device **device, struct error *err)
{
    AUTO(device_destroy) struct device *made = device_create();
    AUTO(free_text) char *copy = duplicate(line);
    struct pair pairs[KEYS_MAX];
    size_t count = split(copy, pairs, err);

    if (!count || !name_device(made, pairs, count, err) || !note_initial(made, pairs, count, err))
        return false;
    device_reset(made);
    for (size_t i = 0; i < count; i++)
        if (!pairs[i].used && !setting_apply(made, pairs[i].key, pairs[i].value, err))
            return false;
    *device = made;
    made = NULL;
    return true;
}

static bool add_line(struct simulator *simulator, const char *line, struct error *err)
{
    struct device *device = NULL;

    if (!line[strspn(line, " \t\r\n")] || *line == '#')
        return true;
    if (!fleet_line(line, &device, err))
        return false;
    return simulator_add(simulator, &device, err);
}

bool fleet_load(struct simulator *simulator, const char *path, struct error *err)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0;
    bool good = true;

    if (!file)
        return error_set(err, "%s: %s", path, strerror(errno));
    while (good && getline(&line, &room, file) >= 0) {
        number++;
        good = add_line(simulator, line, err) || error_during(err, "%s:%u", path, number);
    }
    free(line);
    fclose(file);
    return good;
}
