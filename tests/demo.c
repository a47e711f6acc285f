/*
 * demo.c - `make demo`: from nothing to a provisioned fleet, through the real programs.
 *
 * DEVICES computers (default 20) of all firmware generations, three of them odd: one that was never
 * imported, one without a trusted root in common, one with an unknown password. Exit status 0 only if
 * every computer ended as it should, proved by the firmware's own state. With DIRECTORY=1 (as root) each has
 * an object in a private Active Directory domain, and the domain's users log in to it. Everything lives in
 * build/demo and on loopback and is stopped at the end, also on Ctrl-C.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "support/domain.h"
#include "support/settings_table.h"
#include "support/web_client.h"

enum {
    DEVICES_DEFAULT = 20,
    DEVICES_LEAST = 4,
    DEVICES_MOST = 5000,
    ROWS_SHOWN_MOST = 60,
    LAST_WORD_MS = 30000,
    START_ALLOWED_MS = 120000,
    DEVICE_ALLOWED_MS = 3000, /* of the whole run, for each computer */
};

struct demo {
    struct domain *domain; /* NULL: DIRECTORY=1 was not given */
    struct site *site;
    struct computer *computers; /* the three odd ones last */
    size_t count, ordinary;
    int64_t started_ms;
    size_t failures;
};

static const struct computer *never_imported(const struct demo *demo)
{
    return &demo->computers[demo->ordinary];
}

static const struct computer *without_root(const struct demo *demo)
{
    return &demo->computers[demo->ordinary + 1];
}

static const struct computer *with_unknown_password(const struct demo *demo)
{
    return &demo->computers[demo->ordinary + 2];
}

/* ---- the stage ---- */

static bool read_device_count(size_t *count, struct error *err)
{
    const char *text = getenv("DEVICES");
    unsigned long parsed = DEVICES_DEFAULT;
    char *end = NULL;

    if (text && *text) {
        errno = 0;
        parsed = strtoul(text, &end, 10);
        if (*end || errno || parsed < DEVICES_LEAST || parsed > DEVICES_MOST)
            return error_set(err, ERROR_INPUT, "DEVICES=%s is not a number from %d to %d", text,
                             DEVICES_LEAST, DEVICES_MOST);
    }
    *count = parsed;
    return true;
}

static bool wants_domain(void)
{
    const char *wish = getenv("DIRECTORY");

    return wish && *wish && strcmp(wish, "0") != 0;
}

static bool start_site(struct demo *demo, struct error *err)
{
    const char *server_settings[8] = { "job.retry_delay = 2s", "log.level = info" };
    /* No more at once than two cores can serve in time: a simulated firmware shares them with the site. */
    static const char *const point_settings[] = { "point.slots = 48", NULL };
    struct site_options options = { .name = "demo",
                                    .server_settings = server_settings,
                                    .point_settings = point_settings,
                                    .without_simulator = true };

    if (wants_domain()) {
        printf("Starting an Active Directory domain ...\n");
        if (!domain_start_beside(&demo->domain, "demo-domain", err))
            return false;
        for (size_t i = 0; demo->domain->settings[i]; i++)
            server_settings[2 + i] = demo->domain->settings[i];
    }
    printf("Starting PostgreSQL, a site server and a service point ...\n");
    return site_start(&demo->site, &options, err);
}

static void plan_computers(struct demo *demo)
{
    demo->ordinary = demo->count - 3;
    demo->computers = allocate(demo->count * sizeof(*demo->computers));
    for (size_t i = 0; i < demo->count; i++)
        computer_plan(&demo->computers[i], demo->site, (unsigned)i, generations[i % generation_count]);
    demo->computers[demo->count - 2].generation = "11.8"; /* one that knows SHA-256 */
    /* A generation that asks for a password in setup too. */
    demo->computers[demo->count - 1].generation = "9.0";
}

/* Members of the domain's group may read the computers. */
static bool add_group(struct demo *demo, struct error *err)
{
    static const char group[] = DOMAIN_NETBIOS "\\" DOMAIN_OPERATORS;
    AUTO(text_free) char *nothing = NULL;

    return sql_text(demo->site->sql, &nothing, err,
                    "SELECT amt.profile_user_set('default', $1, ARRAY['GeneralInfo'], sid => $1)", group,
                    NULL);
}

/* The profile of all, and two accounts of the retry list that open no computer here: with them the one with
 * the unknown password takes two contacts to be given up (spec O5). */
static bool configure(struct demo *demo, struct error *err)
{
    AUTO(text_free) char *password_path = site_path(demo->site, "account.password");

    return everything_set(demo->site, "default", err) && (!demo->domain || add_group(demo, err)) &&
           file_write(password_path, "Depot.Pass0word", 0600, err) &&
           site_amtctl(demo->site, NULL, err, "account", "add", "depot", "--password-file", password_path,
                       NULL) &&
           site_amtctl(demo->site, NULL, err, "account", "add", "factory-floor", "--password-file",
                       password_path, NULL);
}

static char *fleet_content(const struct demo *demo)
{
    static const char other_root[] = "5e1d0000000000000000000000000000000000000000000000000000000075e1";
    const struct site *site = demo->site;
    char *content = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&content, &length);

    for (size_t i = 0; i < demo->count; i++) {
        const struct computer *computer = &demo->computers[i];
        const char *root = computer == without_root(demo) ? other_root : computer_root(computer, site);
        const char *words = computer == with_unknown_password(demo) ? EVERYTHING_HARDWARE
                                " challenge=yes admin-password=Nobody.Knows.1t"
                                                                    : EVERYTHING_HARDWARE;
        AUTO(text_free) char *line = computer_fleet_line(computer, site->dns_suffix, root, words);

        fprintf(out, "%s\n", line);
    }
    fclose(out);
    return content;
}

/* All but the one that stays unknown. */
static bool import_computers(struct demo *demo, struct error *err)
{
    size_t before = demo->ordinary, after = demo->count - before - 1;
    struct computer *imported = allocate((before + after) * sizeof(*imported));
    bool done;

    memcpy(imported, demo->computers, before * sizeof(*imported));
    memcpy(imported + before, demo->computers + before + 1, after * sizeof(*imported));
    printf("Importing %zu computers ...\n", before + after);
    done = computers_import(demo->site, imported, before + after, err);
    free(imported);
    return done;
}

static bool plug_in(struct demo *demo, struct error *err)
{
    AUTO(text_free) char *fleet = fleet_content(demo);
    struct site_options options = { .fleet = fleet,
                                    .simulator_options = (const char *[]){ "--speed", "20", NULL } };

    printf("Plugging in %zu computers ...\n", demo->count);
    return site_start_simulator(demo->site, &options, err);
}

/* ---- the play ---- */

struct standing {
    int64_t provisioned, running, waiting, detected, unknown;
};

static bool read_standing(struct demo *demo, struct standing *now, struct error *err)
{
    AUTO(text_free) char *row = NULL;

    if (!sql_table(demo->site->sql, &row, err,
                   "SELECT (SELECT count(*) FROM amt.computer WHERE amt_status = 3),"
                   " (SELECT count(*) FROM amt.job WHERE state = 'leased'),"
                   " (SELECT count(*) FROM amt.job WHERE state = 'waiting'),"
                   " (SELECT count(*) FROM amt.computer WHERE amt_status = 1),"
                   " (SELECT count(*) FROM amt.unknown_hello)"))
        return false;
    if (sscanf(row, "%" SCNd64 " | %" SCNd64 " | %" SCNd64 " | %" SCNd64 " | %" SCNd64, &now->provisioned,
               &now->running, &now->waiting, &now->detected, &now->unknown) != 5)
        return error_set(err, ERROR_PROTOCOL, "the database answered \"%s\"", row);
    return true;
}

/* On a terminal one line that changes, elsewhere a line whenever something changed. */
static void show_standing(const struct demo *demo, const struct standing *now, struct standing *shown)
{
    bool terminal = isatty(STDOUT_FILENO);

    if (!terminal && memcmp(now, shown, sizeof(*now)) == 0)
        return;
    *shown = *now;
    printf("%s%5.1f s: %" PRId64 " of %zu provisioned, %" PRId64 " running, %" PRId64 " waiting, %" PRId64
           " detected, %" PRId64 " unknown%s",
           terminal ? "\r\033[K" : "", (double)(clock_monotonic_ms() - demo->started_ms) / 1000,
           now->provisioned, demo->ordinary, now->running, now->waiting, now->detected, now->unknown,
           terminal ? "" : "\n");
    fflush(stdout);
}

static bool over(const struct demo *demo, const struct standing *now)
{
    return now->provisioned >= (int64_t)demo->ordinary && now->detected >= 2 && now->unknown >= 1 &&
           now->running == 0 && now->waiting == 0;
}

/* False only when interrupted or without a database: computers that are late are found by the proof. */
static bool watch(struct demo *demo, struct error *err)
{
    int64_t end_ms = clock_monotonic_ms() + START_ALLOWED_MS + (int64_t)demo->count * DEVICE_ALLOWED_MS;
    struct standing now = { 0 }, shown = { .provisioned = -1 };

    do {
        if (interrupted())
            return error_set(err, ERROR_INTERNAL, "interrupted");
        if (!read_standing(demo, &now, err))
            return false;
        show_standing(demo, &now, &shown);
        wait_a_little(500);
    } while (!over(demo, &now) && clock_monotonic_ms() < end_ms);
    if (isatty(STDOUT_FILENO))
        putchar('\n');
    return true;
}

/* ---- the proof ---- */

static void blame(struct demo *demo, const struct computer *computer, const char *why)
{
    demo->failures++;
    printf("FAILED %s (%s, AMT %s): %s\n", computer->fqdn, computer->uuid, computer->generation, why);
}

static void prove_ordinary(struct demo *demo)
{
    struct proof_profile expected = proof_of_everything;
    size_t proved = 0;

    expected.directory_users = demo->domain != NULL;
    for (size_t i = 0; i < demo->ordinary && !interrupted(); i++) {
        struct error err = { 0 };

        if (proof_check(demo->site, &demo->computers[i], &expected, &err))
            proved++;
        else
            blame(demo, &demo->computers[i], err.message);
    }
    printf("%zu of %zu computers proved by their firmware: password in escrow, certificate, clock, names, "
           "access "
           "control list, remote functions, power package\n",
           proved, demo->ordinary);
}

/* One computer of each generation, or as many as there are. */
static void compare_with_profile(struct demo *demo)
{
    size_t count = demo->ordinary < generation_count ? demo->ordinary : generation_count;
    AUTO(settings_table_free) struct settings_table *table = settings_table_new();

    for (size_t i = 0; i < count && !interrupted(); i++) {
        struct error err = { 0 };

        if (!settings_table_add(table, demo->site, &demo->computers[i], &err))
            blame(demo, &demo->computers[i], err.message);
    }
    printf("\nThe profile, and what the firmware of each generation has:\n");
    settings_table_print(table, stdout);
    demo->failures += settings_table_differences(table);
}

/* A computer that says Hello again may have one more job under way: its last word counts. */
static void expect_answer(struct demo *demo, const struct computer *computer, const char *wanted,
                          const char *query)
{
    struct error err = { 0 };

    if (!simulator_control(demo->site->simulator, NULL, &err, "set %s hello=manual", computer->uuid) ||
        !sql_wait(demo->site->sql, query, wanted, LAST_WORD_MS, &err))
        blame(demo, computer, err.message);
}

static void expect_stranger(struct demo *demo, const struct computer *computer)
{
    AUTO(text_free)
    char *query = text_format("SELECT (SELECT count(*) FROM amt.unknown_hello WHERE uuid = '%s') || ' '"
                              " || (SELECT count(*) FROM amt.computer WHERE uuid = '%s')",
                              computer->uuid, computer->uuid);

    expect_answer(demo, computer, "1 0", query);
}

static void expect_detected(struct demo *demo, const struct computer *computer, const char *wanted)
{
    AUTO(text_free)
    char *query = text_format(
        "SELECT amt_status || ' ' || reason_code FROM amt.computer WHERE uuid = '%s' AND NOT EXISTS"
        " (SELECT FROM amt.job WHERE uuid = '%s' AND state IN ('waiting', 'leased'))",
        computer->uuid, computer->uuid);

    expect_answer(demo, computer, wanted, query);
}

/* ---- the domain's users ---- */

/* With a ticket for the name with its port: computers before AMT 6.0 take no other. */
static bool status_for(struct demo *demo, const struct computer *computer, const char *cache, int *status,
                       struct error *err)
{
    AUTO(text_free) char *openssl_config = site_path(demo->site, "openssl.cnf");
    const struct web_target target = { computer->fqdn, computer->address, 16993, openssl_config, NULL };

    return web_client_prepare(openssl_config, err) &&
           web_read_by_name(&target, cache, DOMAIN_REALM, "AMT_GeneralSettings", status, err);
}

static bool prove_login(struct demo *demo, const struct computer *computer, const char *member,
                        const char *outsider, struct error *err)
{
    int member_status, outsider_status;

    if (!status_for(demo, computer, member, &member_status, err) ||
        !status_for(demo, computer, outsider, &outsider_status, err))
        return false;
    return (member_status == 200 && outsider_status != 200) ||
           error_set(err, ERROR_REFUSED, "a member of " DOMAIN_OPERATORS " gets status %d, somebody else %d",
                     member_status, outsider_status);
}

static void prove_logins(struct demo *demo)
{
    AUTO(text_free) char *member = site_path(demo->site, "alice.ccache");
    AUTO(text_free) char *outsider = site_path(demo->site, "mallory.ccache");
    struct error err = { 0 };
    size_t proved = 0;

    if (!domain_login(demo->domain, "alice", member, &err) ||
        !domain_login(demo->domain, "mallory", outsider, &err)) {
        demo->failures++;
        printf("FAILED %s\n", err.message);
        return;
    }
    for (size_t i = 0; i < demo->ordinary && !interrupted(); i++) {
        if (prove_login(demo, &demo->computers[i], member, outsider, &err))
            proved++;
        else
            blame(demo, &demo->computers[i], err.message);
    }
    printf("%zu of %zu computers let a member of the domain's group in, and nobody else\n", proved,
           demo->ordinary);
}

static void prove_odd_ones(struct demo *demo)
{
    expect_stranger(demo, never_imported(demo));
    expect_detected(demo, without_root(demo), "1 no-common-root");
    expect_detected(demo, with_unknown_password(demo), "1 no-account-accepted");
}

/* ---- the end ---- */

static void show_table(const struct demo *demo)
{
    const char *filter = demo->count > ROWS_SHOWN_MOST ? "WHERE amt_status IS DISTINCT FROM 3" : "";
    AUTO(text_free)
    char *query = text_format(
        "SELECT uuid, short_name, fqdn, address, amt_status, amt_status_name, firmware_version, "
        "date_trunc('second', provisioned_at) AS provisioned_at, reason FROM amt.computer %s ORDER BY fqdn",
        filter);
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct error err = { 0 };
    AUTO(text_free)
    char *script = text_format(
        "\\pset pager off\n\\pset format wrapped\n\\pset columns 200\n%s;\nSELECT * FROM amt.fleet_summary;\n"
        "SELECT uuid, address, first_seen, last_seen, count FROM amt.unknown_hello;\n%s",
        query,
        demo->domain && demo->count <= ROWS_SHOWN_MOST
            ? "SELECT fqdn, dn, realm, key_version, state FROM amt.directory_object ORDER BY fqdn;\n"
            : "");
    const char *argv[] = { "/usr/bin/psql", "-X", "-q", "-d", demo->site->database_url, NULL };

    if (!command_run(&result, script, 60000, argv, &err))
        printf("%s\n", err.message);
    else
        printf("\n%s%s", result.output, result.errors);
}

static bool play(struct demo *demo, struct error *err)
{
    if (!read_device_count(&demo->count, err) || !start_site(demo, err))
        return false;
    plan_computers(demo);
    if (!configure(demo, err) || !import_computers(demo, err) || !plug_in(demo, err))
        return false;
    demo->started_ms = clock_monotonic_ms();
    if (!watch(demo, err))
        return false;
    prove_ordinary(demo);
    compare_with_profile(demo);
    if (demo->domain)
        prove_logins(demo);
    prove_odd_ones(demo);
    show_table(demo);
    if (interrupted())
        return error_set(err, ERROR_INTERNAL, "interrupted");
    return demo->failures == 0 ||
           error_set(err, ERROR_INTERNAL,
                     "%zu computers or settings did not end as they should; the logs are in %s",
                     demo->failures, demo->site->place.directory);
}

int main(void)
{
    struct demo demo = { 0 };
    struct error err = { 0 };
    bool right;

    interrupts_catch();
    right = play(&demo, &err);
    if (!right)
        fprintf(stderr, "demo: %s\n", err.message);
    else
        printf("All %zu computers ended as they should.\n", demo.count);
    site_stop(&demo.site);
    domain_stop(&demo.domain);
    free(demo.computers);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
