/*
 * torture - does any computer get lost, whatever dies and whenever?
 *
 *   make torture                         the whole crash matrix (matrix.h)
 *   make torture EVERY=10                every tenth request of it
 *   make torture CELL='provision/11.8/kill-database/before/17'   one cell, or those that match
 *   make torture CAMPAIGN=600 DEVICES=500 SEED=1                 random faults for so many seconds
 * (campaign.h)
 *
 * Ends with "N passed, N failed" and exit status 0 if none failed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "crash/campaign.h"
#include "crash/matrix.h"

enum { DEVICES_MAX = 20000 };

static const char *const jobs[] = { "provision", "rotate-passwords", "renew-certificate", "unprovision",
                                    "mutual-on", "mutual-off",       "mutual-issuer",     NULL };
/* EOI alone, WS-Management, and with what newest firmware wants. */
static const char *const interfaces[] = { "5.2", "11.8", "16.1", NULL };

/* An empty variable is as good as none: make passes them all. */
static const char *text_of(const char *variable)
{
    const char *value = getenv(variable);

    return value && *value ? value : NULL;
}

static bool number_of(const char *variable, unsigned long otherwise, unsigned long *number, struct error *err)
{
    const char *value = text_of(variable);
    char *end = NULL;

    errno = 0;
    *number = value ? strtoul(value, &end, 10) : otherwise;
    return !value || (errno == 0 && *end == '\0') ||
           error_set(err, ERROR_INPUT, "%s is \"%s\"; give a number", variable, value);
}

static bool run_matrix(bool *right, struct error *err)
{
    struct matrix_choice choice = { .jobs = jobs, .generations = interfaces, .pattern = text_of("CELL") };
    AUTO(cells_clear) struct cell_list cells = { 0 };
    int64_t began_ms = clock_monotonic_ms();
    unsigned long every;

    if (!number_of("EVERY", 1, &every, err))
        return false;
    choice.every = (unsigned)every;
    if (!matrix_plan(&choice, &cells, err))
        return false;
    printf("%zu cells\n", cells.count);
    if (!matrix_run(&choice, &cells, err))
        return false;
    matrix_print(&choice, &cells);
    printf("\n%zu cells in %.0f s\n", cells.count, (double)(clock_monotonic_ms() - began_ms) / 1000);
    printf("%zu passed, %zu failed\n", cells.count - matrix_failed(&cells), matrix_failed(&cells));
    *right = matrix_failed(&cells) == 0;
    return true;
}

static bool run_campaign(bool *right, struct error *err)
{
    struct campaign_choice choice = { 0 };
    unsigned long seconds, devices;
    size_t failed = 0;

    if (!number_of("CAMPAIGN", 0, &seconds, err) || !number_of("DEVICES", 100, &devices, err) ||
        !number_of("SEED", (unsigned long)time(NULL), &choice.seed, err))
        return false;
    if (devices == 0 || devices > DEVICES_MAX)
        return error_set(err, ERROR_INPUT, "DEVICES is %lu; give 1 to %d", devices, DEVICES_MAX);
    choice.seconds = (unsigned)seconds;
    choice.devices = (unsigned)devices;
    printf("Campaign of %lu s, %lu computers; again with SEED=%lu\n", seconds, devices, choice.seed);
    fflush(stdout);
    if (!campaign_run(&choice, &failed, err))
        return false;
    printf("%zu passed, %zu failed\n", (size_t)devices - failed, failed);
    *right = failed == 0;
    return true;
}

int main(void)
{
    struct error err = { 0 };
    bool right = false;

    interrupts_catch();
    if (text_of("CAMPAIGN") ? !run_campaign(&right, &err) : !run_matrix(&right, &err))
        fprintf(stderr, "torture: %s\n", err.message);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
