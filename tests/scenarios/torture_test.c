/*
 * torture_test.c - the crash matrix in short, and that its judge can find a fault.
 *
 * `make torture` runs all of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crash/arena.h"
#include "crash/matrix.h"
#include "tests/unit/unit_test.h"

#define SAMPLE 23 /* every so many requests */

static void must_be(bool success, const struct error *err)
{
    if (!success)
        fail_msg("%s", err->message);
}

static char *directory_of(const char *name)
{
    return text_format("%s.%s", program_invocation_name, name);
}

static void whatever_dies_at_whichever_request_no_computer_is_lost(void **state)
{
    static const char *const jobs[] = { "provision", NULL };
    static const char *const interfaces[] = { "5.2", "16.1", NULL };
    AUTO(text_free) char *directory = directory_of("matrix");
    const struct matrix_choice choice = {
        .directory = directory, .jobs = jobs, .generations = interfaces, .every = SAMPLE
    };
    AUTO(cells_clear) struct cell_list cells = { 0 };
    struct error err = { 0 };

    (void)state;
    must_be(matrix_plan(&choice, &cells, &err) && matrix_run(&choice, &cells, &err), &err);
    assert_true(cells.count >= 2 * FAULT_KINDS * 2); /* of both interfaces, before and after */
    assert_int_equal(matrix_failed(&cells), 0);
}

static void expect_report(struct arena *arena, const char *wanted)
{
    AUTO(text_free) char *report = NULL;
    struct error err = { 0 };

    must_be(arena_audit(arena, &report, &err), &err);
    if (!strstr(report, wanted))
        fail_msg("the auditor does not say \"%s\", but:\n%s", wanted, report);
}

static void change(struct arena *arena, const char *statement)
{
    AUTO(text_free) char *nothing = NULL;
    struct error err = { 0 };

    must_be(sql_text(arena->site->sql, &nothing, &err, statement, NULL), &err);
}

/* One thing after the other is spoilt behind the site's back. */
static void the_auditor_finds_what_was_spoilt(void **state)
{
    AUTO(text_free) char *directory = directory_of("audit");
    struct computer computers[2];
    struct arena arena = { 0 };
    struct error err = { 0 };

    (void)state;
    must_be(arena_open(&arena, directory, ARENA_PATIENT, &err), &err);
    computer_plan(&computers[0], arena.site, 0, "5.2");
    computer_plan(&computers[1], arena.site, 1, "16.1");
    must_be(arena_populate(&arena, computers, 2, &err) && arena_begin(&arena, "provision", &err) &&
                arena_settle(&arena, &err),
            &err);
    expect_report(&arena, "2 passed, 0 failed");
    change(&arena, "UPDATE amt_store.job_attempt SET outcome = 'failed' WHERE job = 1");
    expect_report(&arena, "is done, but its attempts ended with: failed");
    change(&arena, "UPDATE amt_store.job_attempt SET outcome = 'done' WHERE job = 1");
    change(&arena, "UPDATE amt_store.certificate SET state = 'pending' WHERE id = 1");
    expect_report(&arena, "0 certificates of the TLS server are active");
    expect_report(&arena, "is pending");
    expect_report(&arena, "the firmware keeps an orphan certificate");
    change(&arena, "UPDATE amt_store.certificate SET state = 'active' WHERE id = 1");
    expect_report(&arena, "2 passed, 0 failed");
    must_be(simulator_control(arena.site->simulator, NULL, &err, "set %s mebx-password=0ther!Word",
                              computers[1].uuid),
            &err);
    expect_report(&arena, "the MEBx password in escrow is not the firmware's");
    must_be(simulator_control(arena.site->simulator, NULL, &err, "set %s admin-password=0ther!Word",
                              computers[0].uuid),
            &err);
    expect_report(&arena, "the password in escrow does not open it");
    expect_report(&arena, "0 passed, 2 failed");
    assert_true(arena_close(&arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_auditor_finds_what_was_spoilt),
        cmocka_unit_test(whatever_dies_at_whichever_request_no_computer_is_lost),
    };

    interrupts_catch();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
