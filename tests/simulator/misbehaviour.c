#include "misbehaviour.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Which words follow the name: K = first request concerned (or at=), V = a number, S = a fault subcode. */
static const struct {
    const char *name, *words;
} kinds[] = {
    [MISBEHAVIOUR_DROP_BEFORE] = { "drop-before", "K" },
    [MISBEHAVIOUR_DROP_AFTER] = { "drop-after", "K" },
    [MISBEHAVIOUR_STALL] = { "stall", "K" },
    [MISBEHAVIOUR_DRIP] = { "drip", "V" },
    [MISBEHAVIOUR_GARBAGE] = { "garbage", "K" },
    [MISBEHAVIOUR_HUGE_REPLY] = { "huge-reply", "KV" },
    [MISBEHAVIOUR_FAULT] = { "fault", "KS" },
    [MISBEHAVIOUR_ECHO] = { "echo", "K" },
    [MISBEHAVIOUR_RETURN] = { "return", "KV" },
    [MISBEHAVIOUR_WRONG_UUID] = { "wrong-uuid", "" },
    [MISBEHAVIOUR_SLOW] = { "slow", "V" },
    [MISBEHAVIOUR_REFUSE_TLS] = { "refuse-tls", "" },
    [MISBEHAVIOUR_REFUSE_LOGIN] = { "401-forever", "" },
    [MISBEHAVIOUR_MALFORMED_XML] = { "malformed-xml", "K" },
    [MISBEHAVIOUR_RESET] = { "reset", "K" },
    [MISBEHAVIOUR_EXPIRE_NONCE] = { "expire-nonce", "K" },
    [MISBEHAVIOUR_BUSY_KEYS] = { "busy-keys", "T" },
    [MISBEHAVIOUR_HOST_BUSY] = { "host-busy", "T" },
    [MISBEHAVIOUR_HOST_RESET] = { "host-reset", "K" },
    [MISBEHAVIOUR_HOST_RESET_AFTER] = { "host-reset-after", "K" },
    [MISBEHAVIOUR_HOST_STALL] = { "host-stall", "K" },
    [MISBEHAVIOUR_HOST_GARBAGE] = { "host-garbage", "K" },
    [MISBEHAVIOUR_HOST_STATUS] = { "host-status", "KV" },
};

bool misbehaviour_listed(const struct misbehaviour *list, enum misbehaviour_kind kind)
{
    while (list && list->kind != kind)
        list = list->next;
    return list != NULL;
}

const char *misbehaviour_name(enum misbehaviour_kind kind)
{
    return kinds[kind].name;
}

static bool read_number(const char *word, uint32_t *number, struct error *err)
{
    char *end;
    unsigned long value = strtoul(word, &end, 10);

    if (!isdigit((unsigned char)*word) || *end || value > UINT32_MAX)
        return error_set(err, "\"%s\" is not a number", word);
    *number = (uint32_t)value;
    return true;
}

static bool read_word(struct misbehaviour *made, const char **expected, const char *word, struct error *err)
{
    if (!strncmp(word, "times=", 6))
        return read_number(word + 6, &made->times, err);
    if (!strncmp(word, "at=", 3)) {
        replace_text(&made->at, word + 3);
        if (**expected == 'K')
            (*expected)++;
        return true;
    }
    switch (*(*expected)++) {
    case 'K':
        return read_number(word, &made->from, err);
    case 'V':
        return read_number(word, &made->value, err);
    case 'T':
        return read_number(word, &made->times, err);
    case 'S':
        replace_text(&made->subcode, word);
        return true;
    default:
        return error_set(err, "\"%s\": nothing more expected after %s", word, kinds[made->kind].name);
    }
}

static void release(struct misbehaviour *misbehaviour)
{
    free(misbehaviour->subcode);
    free(misbehaviour->at);
    free(misbehaviour);
}

bool misbehaviour_add(struct misbehaviour **list, const char *const *words, size_t count, struct error *err)
{
    struct misbehaviour *made;
    const char *expected;
    size_t kind = 0;

    while (count && kind < LENGTH(kinds) && strcmp(kinds[kind].name, words[0]))
        kind++;
    if (!count || kind == LENGTH(kinds))
        return error_set(err, "\"%s\" is no misbehaviour", count ? words[0] : "");
    made = allocate(sizeof(*made));
    made->kind = (enum misbehaviour_kind)kind;
    expected = kinds[kind].words;
    for (size_t i = 1; i < count; i++)
        if (!read_word(made, &expected, words[i], err)) {
            release(made);
            return false;
        }
    if (*expected) {
        release(made);
        return error_set(err, "%s: too few words", kinds[kind].name);
    }
    if (!made->times)
        made->times = made->from || made->at ? 1 : UINT32_MAX;
    while (*list)
        list = &(*list)->next;
    *list = made;
    return true;
}

void misbehaviour_clear(struct misbehaviour **list)
{
    while (*list) {
        struct misbehaviour *next = (*list)->next;

        release(*list);
        *list = next;
    }
}

void misbehaviour_count_request(struct misbehaviour *list)
{
    for (; list; list = list->next)
        list->seen++;
}

const struct misbehaviour *misbehaviour_due(struct misbehaviour *list, enum misbehaviour_kind kind,
                                            const char *operation)
{
    for (; list; list = list->next) {
        if (list->kind != kind || !list->times || list->seen < list->from)
            continue;
        if (list->at && (!operation || strcmp(list->at, operation)))
            continue;
        if (list->times != UINT32_MAX)
            list->times--;
        return list;
    }
    return NULL;
}
