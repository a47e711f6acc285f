#include "suffix.h"

#include "ownership.h"

#include <string.h>
#include <strings.h>

static const char *const two_labels[] = { "com", "net", "org", "gov", "edu", "de",
                                          "ch",  "dk",  "cz",  "cl",  "ua" };
static const char *const three_labels[] = { "arpa", "fr", "cn", "nl", "br", "mx", "uk", "pl", "tw", "ca",
                                            "fi",   "be", "ru", "se", "ar", "es", "no", "at", "in", "tr",
                                            "ro",   "hu", "nz", "pt", "il", "gr", "co", "ie", "za", "th",
                                            "sg",   "hk", "lt", "id", "hr", "ee", "bg" };

static bool listed(const char *const *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcasecmp(list[i], name))
            return true;
    return false;
}

/* The last so many labels of a name; the whole name when it has no more. */
static const char *last_labels(const char *name, unsigned labels)
{
    const char *start = name + strlen(name);

    while (start > name) {
        if (start[-1] == '.' && --labels == 0)
            break;
        start--;
    }
    return start;
}

static const char *compared_part(const char *name)
{
    const char *top = last_labels(name, 1);

    if (listed(two_labels, LENGTH(two_labels), top))
        return last_labels(name, 2);
    if (listed(three_labels, LENGTH(three_labels), top))
        return last_labels(name, 3);
    return name;
}

bool suffix_accepts(enum suffix_rule rule, const char *common_name, const char *suffix)
{
    const char *part;
    size_t length, suffix_length = strlen(suffix);

    if (!strncmp(common_name, "*.", 2))
        common_name += 2;
    if (!*common_name || !suffix_length)
        return false;
    if (rule == SUFFIX_EXACT) {
        part = strchr(common_name, '.');
        return part && !strcasecmp(part + 1, suffix);
    }
    part = compared_part(common_name);
    length = strlen(part);
    if (suffix_length < length || strcasecmp(suffix + suffix_length - length, part))
        return false;
    return suffix_length == length || suffix[suffix_length - length - 1] == '.';
}
