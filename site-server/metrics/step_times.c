#include "metrics/step_times.h"

#include <inttypes.h>
#include <string.h>

#include "common/metrics/prometheus.h"
#include "common/preflight.h"

#define NAME "amt_step_seconds"

static const char *const numbers[STEP_NUMBERS] = { "O2",   "O3",   "O4",   "O5",   "O6",   "O7.1",
                                                   "O7.2", "O7.3", "O7.4", "O7.5", "O7.6", "O8.1",
                                                   "O8.2", "O8.3", "O8.4", "O9",   "I4",   "other" };
static const struct {
    int64_t ms;
    const char *text;
} bounds[STEP_BUCKETS] = {
    { 100, "0.1" }, { 250, "0.25" }, { 500, "0.5" },  { 1000, "1" },   { 2500, "2.5" },
    { 5000, "5" },  { 10000, "10" }, { 30000, "30" }, { 60000, "60" }, { 120000, "120" },
};

static size_t number_index(const char *number)
{
    for (size_t i = 0; i < STEP_NUMBERS - 1; i++) {
        if (strcmp(numbers[i], number) == 0)
            return i;
    }
    return STEP_NUMBERS - 1;
}

static size_t bucket_index(int64_t took_ms)
{
    size_t bucket = 0;

    while (bucket < STEP_BUCKETS && took_ms > bounds[bucket].ms)
        bucket++;
    return bucket;
}

void step_times_add(struct step_times *times, const char *firmware_version, const struct step_report *steps,
                    size_t count)
{
    unsigned major = firmware_release_parse(firmware_version).major;

    if (major >= STEP_MAJORS)
        major = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t took_ms = steps[i].finished_ms - steps[i].started_ms;
        size_t number = number_index(steps[i].number);

        if (steps[i].outcome == STEP_SKIPPED || took_ms < 0) /* the clock was set meanwhile */
            continue;
        times->cells[major][number].buckets[bucket_index(took_ms)]++;
        times->cells[major][number].milliseconds += (uint64_t)took_ms;
    }
}

static void write_cell(const struct step_times *times, unsigned major, size_t number, FILE *out)
{
    uint64_t count = 0;
    char labels[48];

    for (size_t i = 0; i <= STEP_BUCKETS; i++)
        count += times->cells[major][number].buckets[i];
    if (!count)
        return;
    snprintf(labels, sizeof(labels), "step=\"%s\",amt_major=\"%u\"", numbers[number], major);
    count = 0;
    for (size_t i = 0; i < STEP_BUCKETS; i++) {
        count += times->cells[major][number].buckets[i];
        fprintf(out, NAME "_bucket{%s,le=\"%s\"} %" PRIu64 "\n", labels, bounds[i].text, count);
    }
    count += times->cells[major][number].buckets[STEP_BUCKETS];
    fprintf(out, NAME "_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n", labels, count);
    fprintf(out, NAME "_sum{%s} %" PRIu64 ".%03" PRIu64 "\n", labels,
            times->cells[major][number].milliseconds / 1000, times->cells[major][number].milliseconds % 1000);
    fprintf(out, NAME "_count{%s} %" PRIu64 "\n", labels, count);
}

void step_times_write(const struct step_times *times, FILE *out)
{
    metric_head(out, NAME, "histogram",
                "How long steps took, by step of the provisioning sequence and major version of AMT (0: not "
                "learned), as service points report them.");
    for (unsigned major = 0; major < STEP_MAJORS; major++) {
        for (size_t number = 0; number < STEP_NUMBERS; number++)
            write_cell(times, major, number, out);
    }
}
