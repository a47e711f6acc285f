/*
 * expect.h - assertions of scenarios, with messages that say where to look.
 *
 * They end the test, as cmocka's do. must() takes a call whose last words are a struct error named err.
 */
#ifndef TESTS_SUPPORT_EXPECT_H
#define TESTS_SUPPORT_EXPECT_H

#include "support/proof.h"
#include "tests/unit/unit_test.h"

#define must(call) expect_success((call), &err, #call, __FILE__, __LINE__)
void expect_success(bool success, const struct error *err, const char *call, const char *file, int line);

/* Waits until the query gives this value. */
#define expect_sql(site, wanted, ...) expect_sql_at(__FILE__, __LINE__, (site), (wanted), __VA_ARGS__)
void expect_sql_at(const char *file, int line, struct site *site, const char *wanted, const char *format, ...)
    PRINTF_LIKE(5, 6);

/* Waits until no job of the computer is open and compares what amt.computer says: status name and reason
 * code. */
#define expect_outcome(site, computer, status, reason)                                                       \
    expect_outcome_at(__FILE__, __LINE__, (site), (computer), (status), (reason))
void expect_outcome_at(const char *file, int line, struct site *site, const struct computer *computer,
                       const char *status, const char *reason);

/* Provisioned, and the firmware proves it (proof.h). */
#define expect_provisioned(site, computer) expect_provisioned_at(__FILE__, __LINE__, (site), (computer))
void expect_provisioned_at(const char *file, int line, struct site *site, const struct computer *computer);

/* A simulator's counter or any number of its state, by dotted path. */
int64_t state_number(struct site *site, const struct computer *computer, const char *path);
/* The caller frees. */
char *state_text(struct site *site, const struct computer *computer, const char *path);
char *sql_answer(struct site *site, const char *format, ...)
    PRINTF_LIKE(2, 3); /* one value; the caller frees */
void sql_do(struct site *site, const char *format, ...) PRINTF_LIKE(2, 3);

/* A group fixture's work: starts the site and leaves it in *state; a failure is printed and returned. */
int scenario_begin(void **state, const struct site_options *options);
int scenario_end(void **state);
/* Plans computer number index, plugs it in with these fleet words and imports it. */
void scenario_computer(struct site *site, struct computer *computer, unsigned index, const char *generation,
                       const char *words);
void say_hello(struct site *site, const struct computer *computer);
/* Again and again until the query gives this value: a service point passes the same Hello on only once in
 * some seconds, so one alone may go under. */
#define say_hello_until(site, computer, wanted, ...)                                                         \
    say_hello_until_at(__FILE__, __LINE__, (site), (computer), (wanted), __VA_ARGS__)
void say_hello_until_at(const char *file, int line, struct site *site, const struct computer *computer,
                        const char *wanted, const char *format, ...) PRINTF_LIKE(6, 7);

#endif
