/*
 * jobs_site.h - the books of a site in a real PostgreSQL: computers, Hellos, jobs, with short words for what
 * happens to them. Whatever goes otherwise ends the test.
 *
 * A group begins with jobs_start() and ends with jobs_stop(); each test, WITH_SITE(), has two service points
 * and nothing else, in a transaction that is rolled back.
 */
#ifndef TESTS_UNIT_SITE_SERVER_JOBS_SITE_H
#define TESTS_UNIT_SITE_SERVER_JOBS_SITE_H

#include "tests/unit/unit_test.h"

#include "devices/device.h"
#include "jobs/dispatcher.h"
#include "jobs/result.h"

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define MUST(call)                                                                                           \
    do {                                                                                                     \
        struct error error_of_call = { 0 };                                                                  \
        must((call), &error_of_call);                                                                        \
    } while (0)
#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, jobs_begin, jobs_end)

extern struct database *db;
extern struct vault *vault;
extern int64_t point_a, point_b;
extern struct lane dispatched; /* where the dispatcher goes on */
extern struct strangers strangers;
extern const struct job_settings settings;
extern const struct hello_settings hello_settings;
extern const struct root_hash our_root;
extern const struct root_hash foreign_root;

void must(bool done, const struct error *err);
void sql(const char *format, ...) PRINTF_LIKE(1, 2);
/* The query's one value as text must be this one. */
void expect(const char *wanted, const char *format, ...) PRINTF_LIKE(2, 3);
struct uuid uuid_of(unsigned number);
const char *text_of(unsigned number);
void import(unsigned number);
struct message_hello_seen seen_of(unsigned number, const struct root_hash *root);
/* The verdict's reason. */
enum reason_code hello(unsigned number, const struct root_hash *root);
void dispatch(struct job_offers *offers);
/* Hands out the only job that is due; the caller ends *offer with message_free(). */
void take_offer(struct message *offer);
void expect_no_offer(void);
struct message_job_finished done_with(const struct message *offer);
struct message_job_finished failed_with(const struct message *offer, enum reason_code reason);
/* REASON_NONE: accepted. */
enum reason_code finish(const struct message_job_finished *finished);
void open_seconds_later(unsigned number);
void lose_lease(unsigned number);
/* What the vault finds in the newest secret of this state. */
void expect_secret(unsigned number, const char *kind, const char *state, const struct secret *wanted);
void expect_accounts(const struct message *offer, const char *wanted);
void sealed_of(const char *place, const char *text, char *out);
int64_t register_point(const char *key, const char *name);
int jobs_start(void **state);
int jobs_stop(void **state);
/* Each test has an empty site, in a transaction that is rolled back afterwards. */
int jobs_begin(void **state);
int jobs_end(void **state);

#endif
