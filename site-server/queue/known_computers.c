#include "queue/known_computers.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "statement.h"

#define PAUSE_MS     1000
#define PAUSE_TIMES  20 /* as long as reading them took */
#define TRY_AGAIN_MS 10000

void known_computers_clear(struct known_computers *known)
{
    known_set_clear(&known->set);
    known->changed = false;
}

void known_computers_changed(struct known_computers *known)
{
    known->changed = true;
}

int64_t known_computers_due_ms(const struct known_computers *known)
{
    return known->changed ? known->next_ms : INT64_MAX;
}

static bool read_all(struct database *database, struct known_set *set, size_t *count, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;
    struct uuid *uuids;
    bool made;

    if (!database_run(database, STATEMENT_COMPUTERS_KNOWN, NULL, &rows, err))
        return false;
    *count = rows_count(rows);
    uuids = allocate((*count + 1) * sizeof(*uuids));
    for (size_t i = 0; i < *count; i++)
        uuids[i] = row_uuid(rows, i, "uuid");
    made = known_set_make(set, uuids, *count, err);
    free(uuids);
    return made;
}

/* One that this does not reach hears it with its next WELCOME. */
static void tell(const struct site *site, struct endpoint *endpoint, const struct session *session)
{
    AUTO(message_free) struct message message = { .kind = MESSAGE_WELCOME };
    struct bytes bytes = { 0 };
    struct error err;

    site_welcome(site, &message.welcome);
    message_write(&message, &bytes);
    if (!endpoint_send(endpoint, &session->route, &bytes, &err))
        log_debug("known computers not told", log_text("service_point", session->name),
                  log_text("why", err.message));
}

bool known_computers_run(struct known_computers *known, struct site *site, struct endpoint *endpoint,
                         int64_t now_ms, struct error *err)
{
    struct known_set set = { 0 };
    int64_t took_ms;
    size_t count;

    if (now_ms < known_computers_due_ms(known))
        return true;
    known->next_ms = now_ms + TRY_AGAIN_MS;
    if (!read_all(site->database, &set, &count, err))
        return false;
    took_ms = clock_monotonic_ms() - now_ms;
    known->changed = false;
    known->next_ms = now_ms + (PAUSE_TIMES * took_ms > PAUSE_MS ? PAUSE_TIMES * took_ms : PAUSE_MS);
    known_set_clear(&known->set);
    known->set = set;
    site->known = &known->set;
    for (size_t i = 0; i < site->roster->count; i++) {
        if (site->roster->sessions[i]->hears_known)
            tell(site, endpoint, site->roster->sessions[i]);
    }
    log_debug("known computers read", log_number("computers", (int64_t)count),
              log_number("took_ms", took_ms));
    return true;
}
