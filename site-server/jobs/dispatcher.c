#include "dispatcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/root_hash.h"
#include "jobs/due.h"
#include "jobs/lease.h"
#include "jobs/preparation.h"
#include "jobs/rollout.h"
#include "jobs/service_point.h"
#include "jobs/subnet.h"
#include "statement.h"

#define OFFERS_AT_ONCE 256 /* in one transaction */
#define LOOKS_MAX      40  /* when all that is due is for service points that are full */

void job_offers_clear(struct job_offers *offers)
{
    for (size_t i = 0; i < offers->count; i++)
        message_free(&offers->items[i].message);
    free(offers->items);
    *offers = (struct job_offers){ 0 };
}

/* ---- who gets a job -------------------------------------------------------------------------------- */

static bool trusted(const struct dispatch_question *question, const struct connected_point *point)
{
    for (size_t i = 0; i < question->root_hash_count; i++) {
        for (size_t k = 0; k < point->root_hash_count; k++) {
            if (root_hash_equal(&question->root_hashes[i], &point->root_hashes[k]))
                return true;
        }
    }
    return question->root_hash_count == 0;
}

/* How well a service point suits: 0 not at all. */
static int suitability(const struct dispatch_question *question, const struct connected_point *point)
{
    enum { SERVES_NO_SUBNET = 1, HEARD_IT = 2, SERVES_SUBNET = 3 };
    int longest = -1;

    if (!trusted(question, point))
        return 0;
    for (size_t i = 0; i < point->subnet_count; i++) {
        int length = subnet_match(point->subnets[i], question->address);

        if (length > longest)
            longest = length;
    }
    if (longest >= 0)
        return SERVES_SUBNET + longest;
    if (question->heard_by && question->heard_by == point->id)
        return HEARD_IT;
    return point->subnet_count ? 0 : SERVES_NO_SUBNET;
}

static bool takes_now(const struct connected_point *point, uint32_t free_slots)
{
    return !point->elsewhere && free_slots;
}

/* Of two that suit equally: one of ours that can take it now, before one of another site server's. */
static bool readier(const struct connected_point *points, const uint32_t *free_slots, size_t one,
                    size_t other)
{
    bool one_now = takes_now(&points[one], free_slots[one]);
    bool other_now = takes_now(&points[other], free_slots[other]);

    return one_now == other_now ? free_slots[one] > free_slots[other] : one_now;
}

enum dispatch_choice dispatch_choose(const struct dispatch_question *question,
                                     const struct connected_point *points, const uint32_t *free_slots,
                                     size_t count, size_t *point)
{
    int best = 0;
    size_t chosen = 0;

    for (size_t i = 0; i < count; i++) {
        int suits = suitability(question, &points[i]);

        if (suits > best || (suits && suits == best && readier(points, free_slots, i, chosen))) {
            best = suits;
            chosen = i;
        }
    }
    if (!best)
        return DISPATCH_NOBODY;
    if (points[chosen].elsewhere)
        return DISPATCH_ELSEWHERE;
    if (!free_slots[chosen])
        return DISPATCH_FULL;
    *point = chosen;
    return DISPATCH_TO;
}

/* ---- choosing among what is due -------------------------------------------------------------------- */

struct choice {
    int64_t job;
    size_t point;
};

struct choosing {
    struct database *database;
    struct points_elsewhere elsewhere;
    struct connected_point *points; /* ours, then those elsewhere */
    size_t point_count;
    uint32_t *free_slots; /* what is left of each point's */
    uint64_t free_total;  /* of ours */
    struct choice *chosen;
    size_t chosen_count, chosen_max;
    bool limited;                 /* some of them are of a profile with limits */
    struct job_setback *stranded; /* nobody can take them */
    size_t stranded_count;
    struct due_jobs *due;
};

static void numbers_free(int64_t **numbers)
{
    free(*numbers);
    *numbers = NULL;
}

static void choosing_clear(struct choosing *c)
{
    points_elsewhere_clear(&c->elsewhere);
    due_jobs_free(&c->due);
    free(c->points);
    free(c->free_slots);
    free(c->chosen);
    for (size_t i = 0; i < c->stranded_count; i++)
        job_setback_clear(&c->stranded[i]);
    free(c->stranded);
}

static struct root_hash *read_hashes(struct rows *rows, size_t row, size_t *count)
{
    size_t total = row_text_count(rows, row, "root_hashes");
    struct root_hash *hashes = allocate(total * sizeof(*hashes));

    *count = 0;
    for (size_t i = 0; i < total; i++)
        *count += root_hash_parse(row_text_element(rows, row, "root_hashes", i), &hashes[*count]);
    return hashes;
}

/* The caller frees. */
static char *explain_nobody(const struct dispatch_question *question, const char *subnet,
                            const struct connected_point *points, size_t count)
{
    const struct dispatch_question any_root = { .address = question->address,
                                                .heard_by = question->heard_by };

    for (size_t i = 0; i < count; i++) {
        if (suitability(&any_root, &points[i]))
            return text_format(
                "no service point that serves %s has a certificate from a root that the computer "
                "trusts",
                subnet);
    }
    return text_format("no service point serves %s", subnet);
}

static void choose(struct choosing *c, struct rows *rows, size_t row)
{
    struct dispatch_question question = {
        .address = row_text(rows, row, "address"),
        .heard_by = row_is_null(rows, row, "heard_by") ? 0 : row_number(rows, row, "heard_by"),
    };
    struct root_hash *hashes = read_hashes(rows, row, &question.root_hash_count);
    size_t point;

    question.root_hashes = hashes;
    switch (dispatch_choose(&question, c->points, c->free_slots, c->point_count, &point)) {
    case DISPATCH_TO:
        c->chosen[c->chosen_count++] = (struct choice){ row_number(rows, row, "id"), point };
        c->free_slots[point]--;
        c->free_total--;
        c->limited |= row_bool(rows, row, "limited");
        due_jobs_took(c->due, rows, row);
        break;
    case DISPATCH_NOBODY:
        c->stranded = reallocate(c->stranded, c->stranded_count + 1, sizeof(*c->stranded));
        c->stranded[c->stranded_count++] = (struct job_setback){
            .job = row_number(rows, row, "id"),
            .from = JOB_WAITING,
            .reason = REASON_NO_SERVICE_POINT,
            .text = explain_nobody(&question, row_text(rows, row, "subnet"), c->points, c->point_count),
            .failures = row_number(rows, row, "failures"),
            .delay_s = -1,
        };
        break;
    case DISPATCH_FULL:
    case DISPATCH_ELSEWHERE:
        break;
    }
    free(hashes);
}

/* Slots and offers that are left. */
static size_t room(const struct choosing *c)
{
    size_t offers = c->chosen_max - c->chosen_count;

    return c->free_total < offers ? (size_t)c->free_total : offers;
}

static bool choose_some(struct choosing *c, bool *last, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!due_jobs_next(c->due, room(c), &rows, last, err))
        return false;
    for (size_t i = 0; i < rows_count(rows) && room(c); i++) {
        if (!row_is_null(rows, i, "id"))
            choose(c, rows, i);
    }
    return true;
}

static bool choose_all(struct choosing *c, struct error *err)
{
    bool last = false;

    for (unsigned look = 0; look < LOOKS_MAX && !last && room(c); look++) {
        if (!choose_some(c, &last, err))
            return false;
    }
    return true;
}

/* What a wave has no room for waits for the next dispatch. */
static bool admit(struct choosing *c, struct error *err)
{
    AUTO(numbers_free) int64_t *jobs = NULL;
    size_t count = c->chosen_count, kept = 0;

    if (!c->limited)
        return true;
    jobs = allocate(count * sizeof(*jobs));
    for (size_t i = 0; i < count; i++)
        jobs[i] = c->chosen[i].job;
    if (!rollout_admit(c->database, jobs, &count, err))
        return false;
    for (size_t i = 0; i < c->chosen_count && kept < count; i++) {
        if (c->chosen[i].job == jobs[kept])
            c->chosen[kept++] = c->chosen[i];
    }
    c->chosen_count = kept;
    return true;
}

/* ---- locking, preparing, leasing ------------------------------------------------------------------- */

struct batch {
    struct preparation *items;
    size_t count;
};

static void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        preparation_clear(&batch->items[i]);
    free(batch->items);
}

static void read_preparation(struct rows *rows, size_t row, struct preparation *item)
{
    item->job = row_number(rows, row, "id");
    item->failures = row_number(rows, row, "failures");
    item->kind = text_copy(row_text(rows, row, "kind"));
    item->repeated = row_number(rows, row, "attempt") > 0;
    item->uuid = row_uuid(rows, row, "uuid");
    item->address = text_copy(row_text(rows, row, "address"));
    item->former_address = text_copy(row_text(rows, row, "former_address"));
    item->fqdn = text_copy(row_text(rows, row, "fqdn"));
    item->firmware_version = text_copy(row_text(rows, row, "firmware_version"));
    item->profile = text_copy(row_text(rows, row, "profile"));
    item->root_hashes = read_hashes(rows, row, &item->root_hash_count);
    if (!row_is_null(rows, row, "certificate")) {
        size_t length;
        const unsigned char *der = row_bytes(rows, row, "certificate", &length);

        bytes_set(&item->certificate, der, length);
    }
    item->refused_count = row_text_count(rows, row, "refused");
    item->refused = allocate(item->refused_count * sizeof(*item->refused));
    for (size_t i = 0; i < item->refused_count; i++)
        item->refused[i] = text_copy(row_text_element(rows, row, "refused", i));
    item->refusals_in_last_hour = (size_t)row_number(rows, row, "refusals_in_last_hour");
    item->hour_over_s = row_is_null(rows, row, "hour_over_s") ? 0 : row_number(rows, row, "hour_over_s");
}

/* Those that another site server took meanwhile are left out. */
static bool lock_chosen(const struct choosing *c, struct batch *batch, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct array *jobs = parameters_numbers(parameters);

    for (size_t i = 0; i < c->chosen_count; i++)
        array_add_number(jobs, c->chosen[i].job);
    if (!database_run(c->database, STATEMENT_JOBS_LOCK, parameters, &rows, err))
        return false;
    batch->items = allocate(rows_count(rows) * sizeof(*batch->items));
    batch->count = rows_count(rows);
    for (size_t i = 0; i < batch->count; i++)
        read_preparation(rows, i, &batch->items[i]);
    return true;
}

static size_t point_of(const struct choosing *c, int64_t job)
{
    size_t i = 0;

    while (c->chosen[i].job != job)
        i++;
    return c->chosen[i].point;
}

static bool set_unprepared_back(struct database *database, const struct job_settings *settings,
                                const struct batch *batch, struct error *err)
{
    struct job_setback *setbacks = allocate(batch->count * sizeof(*setbacks));
    size_t count = 0;
    bool done;

    for (size_t i = 0; i < batch->count; i++) {
        const struct preparation *item = &batch->items[i];

        if (item->reason != REASON_NONE)
            setbacks[count++] = (struct job_setback){ .job = item->job,
                                                      .from = JOB_WAITING,
                                                      .reason = item->reason,
                                                      .text = item->why, /* stays the item's */
                                                      .failures = item->failures,
                                                      .delay_s = item->delay_s };
    }
    done = job_set_back(database, settings, setbacks, count, err);
    free(setbacks);
    return done;
}

static void add_secret(struct array *ids, struct array *were_maybe, int64_t id, bool was_maybe)
{
    if (id) {
        array_add_number(ids, id);
        array_add_bool(were_maybe, was_maybe);
    } else {
        array_add_null(ids);
        array_add_null(were_maybe);
    }
}

static struct preparation *find_item(const struct batch *batch, int64_t job)
{
    size_t i = 0;

    while (batch->items[i].job != job)
        i++;
    return &batch->items[i];
}

static void make_offers(const struct choosing *c, const struct batch *batch, const struct rows *leased,
                        struct job_offers *offers)
{
    offers->items = allocate(rows_count(leased) * sizeof(*offers->items));
    for (size_t i = 0; i < rows_count(leased); i++) {
        struct preparation *item = find_item(batch, row_number(leased, i, "id"));
        struct job_offer *offer = &offers->items[offers->count++];

        offer->point = point_of(c, item->job);
        offer->message = item->offer;
        offer->message.job_offer.id.attempt = (uint32_t)row_number(leased, i, "attempt");
        memset(&item->offer, 0, sizeof(item->offer)); /* given away */
    }
}

static bool lease(const struct choosing *c, const struct job_settings *settings, const struct batch *batch,
                  struct job_offers *offers, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *leased = NULL;
    struct array *jobs = parameters_numbers(parameters);
    struct array *points = parameters_numbers(parameters);
    struct array *accounts = parameters_texts(parameters);
    struct array *admins = parameters_numbers(parameters);
    struct array *admins_maybe = parameters_bools(parameters);
    struct array *mebxs = parameters_numbers(parameters);
    struct array *mebxs_maybe = parameters_bools(parameters);

    for (size_t i = 0; i < batch->count; i++) {
        const struct preparation *item = &batch->items[i];

        if (item->reason != REASON_NONE)
            continue;
        array_add_number(jobs, item->job);
        array_add_number(points, c->points[point_of(c, item->job)].id);
        array_add_text(accounts, item->accounts_offered);
        add_secret(admins, admins_maybe, item->admin_secret, item->admin_was_maybe);
        add_secret(mebxs, mebxs_maybe, item->mebx_secret, item->mebx_was_maybe);
    }
    if (!array_count(jobs))
        return true;
    parameters_number(parameters,
                      settings->lease_s < LEASE_UNACCEPTED_S ? settings->lease_s : LEASE_UNACCEPTED_S);
    if (!database_run(c->database, STATEMENT_JOBS_LEASE, parameters, &leased, err))
        return false;
    make_offers(c, batch, leased, offers);
    return true;
}

static void add_elsewhere(struct choosing *c)
{
    for (size_t i = 0; i < c->elsewhere.count; i++) {
        const struct point_elsewhere *point = &c->elsewhere.items[i];

        c->free_slots[c->point_count] = point->free;
        c->points[c->point_count++] =
            (struct connected_point){ .id = point->id,
                                      .elsewhere = true,
                                      .free = point->free,
                                      .subnets = (const char *const *)point->subnets,
                                      .subnet_count = point->subnet_count,
                                      .root_hashes = point->root_hashes,
                                      .root_hash_count = point->root_hash_count };
    }
}

static bool choosing_begin(struct choosing *c, struct database *database, struct lane *turn,
                           const struct connected_point *points, size_t count, struct error *err)
{
    c->database = database;
    c->due = due_jobs_begin(database, turn);
    if (!service_points_elsewhere(database, &c->elsewhere, err))
        return false;
    c->points = allocate((count + c->elsewhere.count) * sizeof(*c->points));
    c->free_slots = allocate((count + c->elsewhere.count) * sizeof(*c->free_slots));
    for (; c->point_count < count; c->point_count++) {
        c->points[c->point_count] = points[c->point_count];
        c->free_slots[c->point_count] = points[c->point_count].free;
        c->free_total += points[c->point_count].free;
    }
    add_elsewhere(c);
    c->chosen_max = OFFERS_AT_ONCE;
    c->chosen = allocate(c->chosen_max * sizeof(*c->chosen));
    return true;
}

bool job_dispatch(struct database *database, struct vault *vault, const struct job_settings *settings,
                  struct lane *turn, const struct connected_point *points, size_t count,
                  struct job_offers *offers, struct error *err)
{
    AUTO(choosing_clear) struct choosing c = { 0 };
    AUTO(batch_clear) struct batch batch = { 0 };

    *offers = (struct job_offers){ 0 };
    if (!choosing_begin(&c, database, turn, points, count, err) || !choose_all(&c, err) ||
        !job_set_back(database, settings, c.stranded, c.stranded_count, err))
        return false;
    offers->more = c.chosen_count == c.chosen_max && c.free_total;
    if (!admit(&c, err))
        return false;
    if (!c.chosen_count)
        return true;
    return lock_chosen(&c, &batch, err) &&
           preparation_run(database, vault, settings, batch.items, batch.count, err) &&
           set_unprepared_back(database, settings, &batch, err) && lease(&c, settings, &batch, offers, err);
}
