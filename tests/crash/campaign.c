#include "crash/campaign.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "crash/arena.h"

enum {
    GAP_MIN_MS = 50,
    GAP_MAX_MS = 600,
    FROZEN_MIN_MS = 500,
    FROZEN_MAX_MS = 12000,
    FROZEN_MAX = 64,
    TELL_EVERY_MS = 10000,
};

struct frozen {
    const struct computer *computer; /* NULL: not in use */
    int64_t thaw_ms;
};

struct campaign {
    const struct campaign_choice *choice;
    struct arena arena;
    struct computer *computers;
    unsigned short random[3]; /* of erand48() */
    int64_t began_ms, told_ms;
    struct frozen frozen[FROZEN_MAX];
    unsigned long *done; /* how often each act was played, in their order */
    FILE *log;
};

static unsigned draw(struct campaign *campaign, unsigned from, unsigned to)
{
    return from + (unsigned)(erand48(campaign->random) * (double)(to - from + 1));
}

/* One that is being worked on; any one, when all are at rest. */
static bool draw_computer(struct campaign *campaign, const struct computer **computer, struct error *err)
{
    AUTO(text_free) char *seed = text_format("%u", draw(campaign, 0, 1000000));
    AUTO(text_free) char *uuid = NULL;
    const struct computer *drawn =
        &campaign->computers[draw(campaign, 0, (unsigned)campaign->arena.count - 1)];

    if (!sql_text(campaign->arena.site->sql, &uuid, err,
                  "SELECT uuid::text FROM amt.job WHERE state = 'leased' ORDER BY hashtext(uuid::text || $1) "
                  "LIMIT 1",
                  seed, NULL))
        return false;
    for (size_t i = 0; i < campaign->arena.count; i++) {
        if (strcmp(campaign->computers[i].uuid, uuid) == 0)
            drawn = &campaign->computers[i];
    }
    *computer = drawn;
    return true;
}

static void note(struct campaign *campaign, const char *what, const char *whom)
{
    fprintf(campaign->log, "%8.3f %s %s\n", (double)(clock_monotonic_ms() - campaign->began_ms) / 1000, what,
            whom);
    fflush(campaign->log);
}

/* ---- acts ------------------------------------------------------------------------------------------ */

static bool kill_point(struct campaign *campaign, struct error *err)
{
    size_t index = draw(campaign, 0, (unsigned)campaign->arena.site->point_count - 1);

    note(campaign, "kill", campaign->arena.site->points[index].name);
    return arena_kill_point(&campaign->arena, index, err);
}

static bool kill_server(struct campaign *campaign, struct error *err)
{
    note(campaign, "kill", "site server");
    return arena_kill_server(&campaign->arena, err);
}

static bool kill_database(struct campaign *campaign, struct error *err)
{
    note(campaign, "kill", "database");
    return arena_kill_database(&campaign->arena, err);
}

static bool drop_connection(struct campaign *campaign, struct error *err)
{
    const struct computer *computer;

    if (!draw_computer(campaign, &computer, err))
        return false;
    note(campaign, "drop", computer->short_name);
    return arena_tell(&campaign->arena, "drop", computer, err);
}

static bool restart_firmware(struct campaign *campaign, struct error *err)
{
    const struct computer *computer;

    if (!draw_computer(campaign, &computer, err))
        return false;
    note(campaign, "restart", computer->short_name);
    return arena_tell(&campaign->arena, "power-cycle", computer, err);
}

static bool cut_network(struct campaign *campaign, struct error *err)
{
    unsigned lasts_ms = draw(campaign, FROZEN_MIN_MS, FROZEN_MAX_MS);
    const struct computer *computer;

    if (!draw_computer(campaign, &computer, err))
        return false;
    for (size_t i = 0; i < FROZEN_MAX; i++) {
        if (campaign->frozen[i].computer)
            continue;
        note(campaign, "freeze", computer->short_name);
        campaign->frozen[i] = (struct frozen){ computer, clock_monotonic_ms() + lasts_ms };
        return arena_tell(&campaign->arena, "freeze", computer, err);
    }
    return true;
}

/* A Hello may have begun a job a moment ago: then the request as a whole is refused, as any operator's. */
static bool refused_as_others(const struct error *err)
{
    return strstr(err->message, "has an open job already") || strstr(err->message, "is not provisioned by");
}

/* Of one in four, by chance; those that an operator had unprovisioned, or those that are provisioned. */
static bool ask_for(struct campaign *campaign, const char *kind, struct error *err)
{
    AUTO(text_free) char *seed = text_format("%u", draw(campaign, 0, 1000000));
    AUTO(text_free) char *count = NULL;
    struct error refusal = { 0 };

    if (sql_text(campaign->arena.site->sql, &count, &refusal,
                 "SELECT count(amt.request_job(uuid, $1)) FROM (SELECT c.uuid FROM amt.computer c"
                 " LEFT JOIN amt.unprovisioned u USING (uuid) WHERE hashtext(c.uuid::text || $2) % 4 = 0"
                 " AND CASE WHEN $1 = 'provision' THEN u.unprovisioned_at IS NOT NULL ELSE amt_status = 3 END"
                 " AND NOT EXISTS (SELECT FROM amt.job j WHERE j.uuid = c.uuid"
                 " AND j.state IN ('waiting', 'leased'))) AS chosen",
                 kind, seed, NULL)) {
        note(campaign, kind, count);
        return true;
    }
    note(campaign, "refused", refusal.message);
    if (refused_as_others(&refusal))
        return true;
    *err = refusal;
    return false;
}

static bool ask_rotation(struct campaign *campaign, struct error *err)
{
    return ask_for(campaign, "rotate-passwords", err);
}

static bool ask_renewal(struct campaign *campaign, struct error *err)
{
    return ask_for(campaign, "renew-certificate", err);
}

static bool ask_update(struct campaign *campaign, struct error *err)
{
    return ask_for(campaign, "update", err);
}

static bool ask_unprovision(struct campaign *campaign, struct error *err)
{
    return ask_for(campaign, "unprovision", err);
}

/* Each tells by a Hello that it is there: its job waits for the address otherwise. */
static bool bring_back(struct campaign *campaign, struct error *err)
{
    return ask_for(campaign, "provision", err) && arena_wake(&campaign->arena, err);
}

static const struct act {
    const char *name;
    unsigned weight;
    bool (*play)(struct campaign *campaign, struct error *err);
} acts[] = {
    { "service points killed", 2, kill_point },
    { "site server killed", 2, kill_server },
    { "database killed", 1, kill_database },
    { "connections dropped", 40, drop_connection },
    { "firmware restarted", 20, restart_firmware },
    { "networks cut", 15, cut_network },
    { "rotations asked", 8, ask_rotation },
    { "renewals asked", 8, ask_renewal },
    { "updates asked", 4, ask_update },
    { "unprovisionings asked", 5, ask_unprovision },
    { "brought back", 8, bring_back },
};

static size_t draw_act(struct campaign *campaign)
{
    unsigned total = 0, drawn;
    size_t i = 0;

    for (size_t k = 0; k < COUNT_OF(acts); k++)
        total += acts[k].weight;
    drawn = draw(campaign, 0, total - 1);
    while (drawn >= acts[i].weight)
        drawn -= acts[i++].weight;
    return i;
}

/* ---- the campaign ---------------------------------------------------------------------------------- */

static bool thaw(struct campaign *campaign, int64_t until_ms, struct error *err)
{
    for (size_t i = 0; i < FROZEN_MAX; i++) {
        struct frozen *frozen = &campaign->frozen[i];
        const struct computer *computer = frozen->computer;

        if (!computer || frozen->thaw_ms > until_ms)
            continue;
        frozen->computer = NULL;
        note(campaign, "thaw", computer->short_name);
        if (!arena_tell(&campaign->arena, "thaw", computer, err))
            return false;
    }
    return true;
}

static bool tell_standing(struct campaign *campaign, struct error *err)
{
    AUTO(text_free) char *standing = NULL;

    if (clock_monotonic_ms() < campaign->told_ms)
        return true;
    campaign->told_ms = clock_monotonic_ms() + TELL_EVERY_MS;
    if (!sql_text(
            campaign->arena.site->sql, &standing, err,
            "SELECT format('%s jobs done, %s failed, %s open, %s attempts', count(*) FILTER (WHERE state ="
            " 'done'), count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state IN"
            " ('waiting', 'leased')), coalesce(sum(attempt), 0)) FROM amt.job",
            NULL))
        return false;
    printf("%5" PRId64 " s: %s\n", (clock_monotonic_ms() - campaign->began_ms) / 1000, standing);
    fflush(stdout);
    return true;
}

static bool disturb(struct campaign *campaign, struct error *err)
{
    int64_t end_ms = campaign->began_ms + (int64_t)campaign->choice->seconds * 1000;

    while (clock_monotonic_ms() < end_ms) {
        size_t act = draw_act(campaign);
        unsigned gap_ms = draw(campaign, GAP_MIN_MS, GAP_MAX_MS);

        campaign->done[act]++;
        if (!acts[act].play(campaign, err) || !thaw(campaign, clock_monotonic_ms(), err) ||
            !tell_standing(campaign, err))
            return false;
        if (interrupted())
            return error_set(err, ERROR_INTERNAL, "interrupted");
        wait_a_little((int)gap_ms);
    }
    return true;
}

/* What an operator had unprovisioned comes back; everybody else ends by himself. */
static bool calm_down(struct campaign *campaign, struct error *err)
{
    AUTO(text_free) char *brought_back = NULL;

    return thaw(campaign, INT64_MAX, err) && arena_greet(&campaign->arena, err) &&
           arena_settle(&campaign->arena, err) &&
           sql_text(campaign->arena.site->sql, &brought_back, err,
                    "SELECT count(amt.request_job(uuid)) FROM amt.unprovisioned WHERE unprovisioned_at IS "
                    "NOT NULL",
                    NULL) &&
           arena_wake(&campaign->arena, err) && arena_settle(&campaign->arena, err);
}

static size_t print_blamed(struct campaign *campaign, const char *report)
{
    AUTO(text_free) char *copy = text_copy(report);
    char *rest = copy, *line, last[64] = "";
    size_t failed = 0;

    while ((line = strsep(&rest, "\n")) && *line) {
        char uuid[64] = "";

        if (sscanf(line, "FAILED %63s", uuid) != 1)
            continue;
        printf("%s\n", line);
        if (strcmp(uuid, last) != 0) {
            arena_print_history(&campaign->arena, uuid);
            failed++;
        }
        snprintf(last, sizeof(last), "%s", uuid);
    }
    return failed;
}

static void print_acts(const struct campaign *campaign)
{
    for (size_t i = 0; i < COUNT_OF(acts); i++)
        printf("%s%s: %lu", i ? ", " : "", acts[i].name, campaign->done[i]);
    putchar('\n');
}

/* A job may end failed (it met what its kind does not go on from); a computer may not. */
static bool print_failed_jobs(struct campaign *campaign, struct error *err)
{
    AUTO(text_free) char *jobs = NULL;

    if (!sql_text(campaign->arena.site->sql, &jobs, err,
                  "SELECT coalesce(string_agg(format('job %s, %s of %s, failed: %s: %s', id, kind, fqdn,"
                  " reason_code, reason), E'\n' ORDER BY id), 'no job failed') FROM amt.job"
                  " WHERE state = 'failed'",
                  NULL))
        return false;
    puts(jobs);
    return true;
}

static bool populate(struct campaign *campaign, struct error *err)
{
    size_t count = campaign->choice->devices;

    campaign->computers = allocate(count * sizeof(*campaign->computers));
    for (size_t i = 0; i < count; i++)
        computer_plan(&campaign->computers[i], campaign->arena.site, (unsigned)i,
                      generations[i % generation_count]);
    return arena_populate(&campaign->arena, campaign->computers, count, err);
}

static bool open_log(struct campaign *campaign, struct error *err)
{
    AUTO(text_free) char *path = site_path(campaign->arena.site, "campaign.log");

    campaign->log = fopen(path, "w");
    return campaign->log || error_set(err, ERROR_INTERNAL, "cannot write %s", path);
}

static bool hold_campaign(struct campaign *campaign, size_t *failed, struct error *err)
{
    AUTO(text_free) char *report = NULL;

    if (!populate(campaign, err) || !open_log(campaign, err))
        return false;
    campaign->began_ms = campaign->told_ms = clock_monotonic_ms();
    if (!arena_wake(&campaign->arena, err) || !disturb(campaign, err))
        return false;
    print_acts(campaign);
    if (!calm_down(campaign, err) || !print_failed_jobs(campaign, err) ||
        !arena_audit(&campaign->arena, &report, err))
        return false;
    *failed = print_blamed(campaign, report);
    return true;
}

bool campaign_run(const struct campaign_choice *choice, size_t *failed, struct error *err)
{
    struct campaign campaign = { .choice = choice,
                                 .random = { (unsigned short)choice->seed,
                                             (unsigned short)(choice->seed >> 16),
                                             (unsigned short)(choice->seed >> 32) },
                                 .done = allocate(COUNT_OF(acts) * sizeof(*campaign.done)) };
    bool held = arena_open(&campaign.arena, choice->directory, ARENA_CAMPAIGN, err) &&
                hold_campaign(&campaign, failed, err);

    if (campaign.log)
        fclose(campaign.log);
    if (!arena_close(&campaign.arena) && held)
        held = error_set(err, ERROR_INTERNAL, "a program did not end with exit status 0");
    free(campaign.computers);
    free(campaign.done);
    return held;
}
