#include "queue/offering.h"

#include <stdlib.h>

#include "common/log.h"
#include "jobs/dispatcher.h"
#include "jobs/lease.h"
#include "jobs/renewal.h"

#define RENEWAL_PAUSE_MS 5000 /* between two looks at the certificates */

struct present { /* the sessions that may get offers, and the same as the dispatcher wants them */
    struct session **sessions;
    struct connected_point *points;
    size_t count;
};

static void present_clear(struct present *present)
{
    free(present->sessions);
    free(present->points);
}

static bool is_present(const struct site *site, const struct session *session, int64_t now_ms)
{
    return session_present(session, site->settings->heartbeat_s * 1000, now_ms);
}

bool offering_useful(const struct site *site, int64_t now_ms)
{
    bool anybody = false;

    for (size_t i = 0; i < site->roster->count; i++) {
        const struct session *session = site->roster->sessions[i];

        if (!is_present(site, session, now_ms))
            continue;
        if (session->free)
            return true;
        anybody = true;
    }
    return !anybody;
}

static void find_present(const struct site *site, int64_t now_ms, struct present *present)
{
    present->sessions = allocate(site->roster->count * sizeof(*present->sessions));
    present->points = allocate(site->roster->count * sizeof(*present->points));
    for (size_t i = 0; i < site->roster->count; i++) {
        struct session *session = site->roster->sessions[i];

        if (!is_present(site, session, now_ms))
            continue;
        present->points[present->count] =
            (struct connected_point){ .id = session->id,
                                      .free = session->free,
                                      .subnets = (const char *const *)session->subnets,
                                      .subnet_count = session->subnet_count,
                                      .root_hashes = session->roots,
                                      .root_hash_count = session->root_count };
        present->sessions[present->count++] = session;
    }
}

/* More than are requested at once come with the next look. */
static bool renew_certificates(struct offering *offering, int64_t now_ms, size_t *requested,
                               struct error *err)
{
    bool more;

    if (now_ms < offering->renewal_ms)
        return true;
    if (!renewal_request(offering->site->database, requested, &more, err))
        return false;
    offering->renewal_ms = now_ms + RENEWAL_PAUSE_MS;
    offering->renewals_left = more;
    return true;
}

static void forget_unsent(struct offering *offering)
{
    free(offering->unsent);
    offering->unsent = NULL;
    offering->unsent_count = 0;
}

void offering_clear(struct offering *offering)
{
    forget_unsent(offering);
    lane_clear(&offering->turn);
}

static void add_unsent(struct offering *offering, const struct attempt_id *id, int64_t service_point)
{
    offering->unsent = reallocate(offering->unsent, offering->unsent_count + 1, sizeof(*offering->unsent));
    offering->unsent[offering->unsent_count++] = (struct held_attempt){ service_point, *id };
}

/* What became free here may suit service points of other site servers. */
static bool take_back(struct offering *offering, int64_t now_ms, size_t *over, size_t *renewals,
                      struct error *err)
{
    const struct job_settings *settings = &offering->site->settings->job;
    struct database *database = offering->site->database;
    size_t withdrawn;

    return lease_withdraw(database, settings, offering->unsent, offering->unsent_count, &withdrawn, err) &&
           lease_reap(database, settings, over, err) && renew_certificates(offering, now_ms, renewals, err) &&
           (withdrawn + *over + *renewals == 0 || job_announce(database, err));
}

/* A commit that fails so has an unknown outcome: the next call finds out. */
static bool commit(struct offering *offering, const struct present *present, const struct job_offers *offers,
                   struct error *err)
{
    if (database_commit(offering->site->database, err)) {
        forget_unsent(offering);
        return true;
    }
    for (size_t i = 0; i < offers->count && err->code == ERROR_UNREACHABLE; i++)
        add_unsent(offering, &offers->items[i].message.job_offer.id,
                   present->points[offers->items[i].point].id);
    return false;
}

static bool lease_jobs(struct offering *offering, const struct present *present, struct job_offers *offers,
                       int64_t now_ms, int64_t *next_due_ms, struct error *err)
{
    const struct job_settings *settings = &offering->site->settings->job;
    struct database *database = offering->site->database;
    size_t taken_back = 0, renewals = 0;

    if (!database_begin(database, err) || !take_back(offering, now_ms, &taken_back, &renewals, err) ||
        !job_dispatch(database, offering->vault, settings, &offering->turn, present->points, present->count,
                      offers, err) ||
        !lease_next_due(database, next_due_ms, err) || !commit(offering, present, offers, err))
        return false;
    if (taken_back)
        log_warning("leases over", log_number("jobs", (int64_t)taken_back));
    if (renewals)
        log_info("certificates to be renewed", log_number("jobs", (int64_t)renewals));
    if (offering->renewals_left && (*next_due_ms < 0 || *next_due_ms > RENEWAL_PAUSE_MS))
        *next_due_ms = RENEWAL_PAUSE_MS;
    return true;
}

static void send(struct offering *offering, struct session *session, struct message *message, int64_t now_ms)
{
    const struct message_job_offer *offer = &message->job_offer;
    struct bytes bytes = { 0 };
    char uuid[UUID_TEXT_SIZE];
    struct error err = { 0 };

    message->correlation = ++offering->correlation;
    message_write(message, &bytes);
    uuid_text(&offer->uuid, uuid);
    if (!endpoint_send(offering->endpoint, &session->route, &bytes, &err)) {
        offering->site->counters->answers_lost++;
        session_lost(session);
        add_unsent(offering, &offer->id, session->id);
        log_warning("offer lost", log_number("job", (int64_t)offer->id.job), log_text("device", uuid),
                    log_text("service_point", session->name), log_text("why", err.message));
        return;
    }
    session_offered(session, now_ms);
    offering->site->counters->offers++;
    log_info("job offered", log_number("job", (int64_t)offer->id.job),
             log_number("attempt", offer->id.attempt), log_text("device", uuid),
             log_text("address", offer->address), log_text("service_point", session->name));
}

bool offering_make(struct offering *offering, int64_t now_ms, int64_t *next_due_ms, bool *more,
                   struct error *err)
{
    AUTO(present_clear) struct present present = { 0 };
    AUTO(job_offers_clear) struct job_offers offers = { 0 };

    find_present(offering->site, now_ms, &present);
    if (!lease_jobs(offering, &present, &offers, now_ms, next_due_ms, err)) {
        database_rollback(offering->site->database);
        return false;
    }
    for (size_t i = 0; i < offers.count; i++)
        send(offering, present.sessions[offers.items[i].point], &offers.items[i].message, now_ms);
    *more = offers.more || offering->unsent_count;
    return true;
}
