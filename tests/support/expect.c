#include "support/expect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

void expect_success(bool success, const struct error *err, const char *call, const char *file, int line)
{
    if (success)
        return;
    print_error("%s: %s\n", call, err->message);
    _fail(file, line);
}

static char *format_text(const char *format, va_list arguments)
{
    char *text = NULL;

    if (vasprintf(&text, format, arguments) < 0)
        abort();
    return text;
}

void expect_sql_at(const char *file, int line, struct site *site, const char *wanted, const char *format, ...)
{
    struct error err = { 0 };
    va_list arguments;
    bool right;
    char *query;

    va_start(arguments, format);
    query = format_text(format, arguments);
    va_end(arguments);
    right = sql_wait(site->sql, query, wanted, SITE_WAIT_MS, &err);
    free(query);
    if (right)
        return;
    print_error("%s\n(the site's logs are in %s)\n", err.message, site->place.directory);
    _fail(file, line);
}

char *sql_answer(struct site *site, const char *format, ...)
{
    struct error err = { 0 };
    char *value = NULL;
    va_list arguments;

    va_start(arguments, format);
    AUTO(text_free) char *query = format_text(format, arguments);

    va_end(arguments);
    must(sql_text(site->sql, &value, &err, query, NULL));
    return value;
}

void sql_do(struct site *site, const char *format, ...)
{
    struct error err = { 0 };
    AUTO(text_free) char *nothing = NULL;
    va_list arguments;

    va_start(arguments, format);
    AUTO(text_free) char *statement = format_text(format, arguments);

    va_end(arguments);
    must(sql_text(site->sql, &nothing, &err, statement, NULL));
}

/* What became of the computer, for the message of a test that expected something else. */
static void print_history(struct site *site, const struct computer *computer)
{
    AUTO(text_free)
    char *query = text_format(
        "SELECT 'computer: ' || concat_ws(', ', amt_status_name, reason_code, reason) FROM amt.computer "
        "WHERE uuid = '%s' UNION ALL SELECT 'job: ' || concat_ws(', ', id, kind, state, 'attempt ' || "
        "attempt, reason) "
        "FROM amt.job WHERE uuid = '%s' UNION ALL SELECT 'step: ' || concat_ws(', ', 'attempt ' || attempt, "
        "number, "
        "name, outcome, detail) FROM (SELECT * FROM amt.job_step WHERE job IN (SELECT id FROM amt.job WHERE "
        "uuid = "
        "'%s') ORDER BY job, attempt, sequence) steps",
        computer->uuid, computer->uuid, computer->uuid);
    AUTO(text_free) char *table = NULL;
    struct error err = { 0 };

    if (!sql_table(site->sql, &table, &err, query))
        print_error("%s\n", err.message);
    for (char *rest = table, *row; rest && (row = strsep(&rest, "\n")) && *row;)
        print_error("%.400s\n", row); /* row by row: cmocka cuts what is long */
    print_error("(the site's logs are in %s)\n", site->place.directory);
}

void expect_outcome_at(const char *file, int line, struct site *site, const struct computer *computer,
                       const char *status, const char *reason)
{
    AUTO(text_free)
    char *query = text_format("SELECT CASE WHEN EXISTS (SELECT FROM amt.job j WHERE j.uuid = c.uuid AND "
                              "j.state IN ('waiting', 'leased')) "
                              "THEN 'job open' ELSE concat_ws('/', c.amt_status_name, nullif(c.reason_code, "
                              "'')) END FROM amt.computer c "
                              "WHERE c.uuid = '%s'",
                              computer->uuid);
    AUTO(text_free) char *wanted = *reason ? text_format("%s/%s", status, reason) : text_copy(status);
    struct error err = { 0 };

    if (sql_wait(site->sql, query, wanted, SITE_WAIT_MS, &err))
        return;
    print_error("%s: %s\n", computer->fqdn, err.message);
    print_history(site, computer);
    _fail(file, line);
}

void expect_provisioned_at(const char *file, int line, struct site *site, const struct computer *computer)
{
    struct error err = { 0 };

    expect_outcome_at(file, line, site, computer, "provisioned", "");
    if (proof_check(site, computer, &proof_of_default_profile, &err))
        return;
    print_error("%s is called provisioned, but: %s\n", computer->fqdn, err.message);
    print_history(site, computer);
    _fail(file, line);
}

int64_t state_number(struct site *site, const struct computer *computer, const char *path)
{
    AUTO(json_close) json_object *state = NULL;
    struct error err = { 0 };

    must(simulator_state(site->simulator, computer->uuid, &state, &err));
    return json_number_at(state, path);
}

char *state_text(struct site *site, const struct computer *computer, const char *path)
{
    AUTO(json_close) json_object *state = NULL;
    struct error err = { 0 };

    must(simulator_state(site->simulator, computer->uuid, &state, &err));
    return text_copy(json_text_at(state, path));
}

int scenario_begin(void **state, const struct site_options *options)
{
    AUTO(text_free) char *directory = text_format("%s.site", program_invocation_name);
    struct site_options named = *options;
    struct site *site = NULL;
    struct error err = { 0 };

    named.directory = named.directory ? named.directory : directory;
    interrupts_catch();
    if (!site_start(&site, &named, &err)) {
        print_error("%s\n", err.message);
        return -1;
    }
    *state = site;
    return 0;
}

int scenario_end(void **state)
{
    struct site *site = *state;

    if (site_stop(&site))
        return 0;
    print_error("a daemon did not end with exit status 0\n");
    return -1;
}

void scenario_computer(struct site *site, struct computer *computer, unsigned index, const char *generation,
                       const char *words)
{
    struct error err = { 0 };

    computer_plan(computer, site, index, generation);
    must(computer_plug_in(site, computer, &err, words));
    must(computers_import(site, computer, 1, &err));
}

void say_hello(struct site *site, const struct computer *computer)
{
    struct error err = { 0 };

    must(simulator_control(site->simulator, NULL, &err, "hello %s", computer->uuid));
}

void say_hello_until_at(const char *file, int line, struct site *site, const struct computer *computer,
                        const char *wanted, const char *format, ...)
{
    int64_t end_ms = clock_monotonic_ms() + SITE_WAIT_MS;
    struct error err = { 0 };
    va_list arguments;

    va_start(arguments, format);
    AUTO(text_free) char *query = format_text(format, arguments);

    va_end(arguments);
    do {
        say_hello(site, computer);
        if (sql_wait(site->sql, query, wanted, 1000, &err))
            return;
    } while (err.code == ERROR_UNREACHABLE && clock_monotonic_ms() < end_ms);
    print_error("%s\n", err.message);
    print_history(site, computer);
    _fail(file, line);
}
