#include "realm.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[REALM_LIMIT] = {
    [2] = "redirection",
    [3] = "pt-administration",
    [4] = "hardware-asset",
    [5] = "remote-control",
    [6] = "storage",
    [7] = "event-manager",
    [8] = "storage-admin",
    [9] = "agent-presence-local",
    [10] = "agent-presence-remote",
    [11] = "circuit-breaker",
    [12] = "network-time",
    [13] = "general-info",
    [14] = "firmware-update",
    [15] = "eit",
    [16] = "local-un",
    [17] = "endpoint-access-control",
    [18] = "endpoint-access-control-admin",
    [19] = "event-log-reader",
    [20] = "audit-log",
    [21] = "acl",
    [24] = "local-system",
};

#define REALM_LAST_REMOTE 21 /* "all": 2 to this one; local-system is for the computer's own software */

/* Hyphens, underscores, spaces and case do not matter: "PTAdministration" is "pt-administration". */
static bool same_name(const char *a, const char *b, size_t b_length)
{
    const char *b_end = b + b_length;

    for (;;) {
        while (*a == '-')
            a++;
        while (b < b_end && (*b == '-' || *b == '_' || *b == ' '))
            b++;
        if (b == b_end || *a == '\0')
            return b == b_end && *a == '\0';
        if (tolower((unsigned char)*a++) != tolower((unsigned char)*b++))
            return false;
    }
}

static uint32_t realm_by_name(const char *word, size_t length)
{
    if (same_name("all", word, length))
        return ((1u << (REALM_LAST_REMOTE + 1)) - 1) & ~3u;
    for (unsigned realm = 0; realm < REALM_LIMIT; realm++) {
        if (names[realm] && same_name(names[realm], word, length))
            return 1u << realm;
    }
    return 0;
}

static uint32_t realm_by_number(const char *word, size_t length)
{
    unsigned number = 0;

    if (length > 2)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)word[i]))
            return 0;
        number = number * 10 + (unsigned)(word[i] - '0');
    }
    return number < REALM_LIMIT && names[number] ? 1u << number : 0;
}

bool realm_set_parse(const char *text, uint32_t *set, struct error *err)
{
    uint32_t parsed = 0;

    for (const char *at = text; at;) {
        const char *word = at + strspn(at, " \t");
        size_t length = strcspn(word, ","), trimmed = length;
        uint32_t realm;

        while (trimmed && isspace((unsigned char)word[trimmed - 1]))
            trimmed--;
        if (trimmed == 0)
            return error_set(err, ERROR_INPUT, "a realm is missing; write realms separated by commas");
        realm = realm_by_name(word, trimmed);
        realm = realm ? realm : realm_by_number(word, trimmed);
        if (!realm)
            return error_set(err, ERROR_INPUT,
                             "unknown realm '%.*s'; see 'amtctl profile set --help' for the list",
                             (int)(trimmed < 40 ? trimmed : 40), word);
        parsed |= realm;
        at = word[length] == ',' ? word + length + 1 : NULL;
    }
    *set = parsed;
    return true;
}

char *realm_set_text(uint32_t set)
{
    char *text = text_copy("");

    for (unsigned realm = 0; realm < REALM_LIMIT; realm++) {
        if ((set & 1u << realm) && names[realm]) {
            char *longer = text_format("%s%s%s", text, *text ? ", " : "", names[realm]);

            free(text);
            text = longer;
        }
    }
    return text;
}
