/* Prometheus' text format: labels from elsewhere, and the histogram of the steps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/metrics/prometheus.h"
#include "metrics/step_times.h"
#include "tests/unit/unit_test.h"

static char *written(const struct step_times *times)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    step_times_write(times, out);
    fclose(out);
    return text;
}

static void add(struct step_times *times, const char *version, const char *number, int64_t took_ms,
                enum step_outcome outcome)
{
    const struct step_report step = {
        .number = (char *)number, .started_ms = 1000, .finished_ms = 1000 + took_ms, .outcome = outcome
    };

    step_times_add(times, version, &step, 1);
}

static void a_label_cannot_end_its_line(void **state)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    (void)state;
    metric_labelled(out, "m", "file", "a\"} 1\nforged{\\", 7);
    fclose(out);
    assert_string_equal(text, "m{file=\"a\\\"} 1\\nforged{\\\\\"} 7\n");
    free(text);
}

static void buckets_add_up_and_the_last_holds_all(void **state)
{
    struct step_times times = { 0 };
    char *text;

    (void)state;
    add(&times, "16.1.25", "O3", 100, STEP_DONE); /* on a bound: within it */
    add(&times, "16.1.25", "O3", 700, STEP_UNCHANGED);
    add(&times, "16.0.1", "O3", 3600000, STEP_FAILED);
    text = written(&times);
    assert_non_null(strstr(text, "\namt_step_seconds_bucket{step=\"O3\",amt_major=\"16\",le=\"0.1\"} 1\n"));
    assert_non_null(strstr(text, "\namt_step_seconds_bucket{step=\"O3\",amt_major=\"16\",le=\"0.5\"} 1\n"));
    assert_non_null(strstr(text, "\namt_step_seconds_bucket{step=\"O3\",amt_major=\"16\",le=\"1\"} 2\n"));
    assert_non_null(strstr(text, "\namt_step_seconds_bucket{step=\"O3\",amt_major=\"16\",le=\"120\"} 2\n"));
    assert_non_null(strstr(text, "\namt_step_seconds_bucket{step=\"O3\",amt_major=\"16\",le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text, "\namt_step_seconds_sum{step=\"O3\",amt_major=\"16\"} 3600.800\n"));
    assert_non_null(strstr(text, "\namt_step_seconds_count{step=\"O3\",amt_major=\"16\"} 3\n"));
    free(text);
}

/* Whatever a service point says, the number of series is bounded. */
static void strange_versions_and_steps_share_a_series(void **state)
{
    struct step_times times = { 0 };
    char *text;

    (void)state;
    add(&times, NULL, "O3", 5, STEP_DONE);
    add(&times, "nonsense", "O3", 5, STEP_DONE);
    add(&times, "4000.1", "O3", 5, STEP_DONE);
    add(&times, "16.1", "X\"y", 5, STEP_DONE);
    add(&times, "16.1", "O3", 5, STEP_SKIPPED);
    add(&times, "16.1", "O3", -5, STEP_DONE);
    text = written(&times);
    assert_non_null(strstr(text, "\namt_step_seconds_count{step=\"O3\",amt_major=\"0\"} 3\n"));
    assert_non_null(strstr(text, "\namt_step_seconds_count{step=\"other\",amt_major=\"16\"} 1\n"));
    assert_null(strstr(text, "step=\"O3\",amt_major=\"16\""));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_cannot_end_its_line),
        cmocka_unit_test(buckets_add_up_and_the_last_holds_all),
        cmocka_unit_test(strange_versions_and_steps_share_a_series),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
