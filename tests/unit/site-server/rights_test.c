/* Spec 9: what each role of the database can do, and what nobody can. Asked of the catalogues, so that a
 * later migration is held to it as well. */
#include "tests/unit/unit_test.h"

#include <stdio.h>

#include "database/database.h"
#include "tests/unit/site-server/fresh_database.h"

#define OURS "n.nspname IN ('amt', 'amt_store')"

static struct fresh_database fresh;
static struct database *db;

/* The query names what breaks the rule. */
static void expect_nothing(const char *query)
{
    AUTO(text_free)
    char *text = text_format("SELECT string_agg(found::text, ', ') AS names FROM (%s) AS q (found)", query);
    AUTO(rows_free) struct rows *rows = NULL;
    struct error err = { 0 };

    if (!database_run_once(db, &(struct sql_text){ "test", text }, NULL, &rows, &err))
        fail_msg("%s", err.message);
    if (!row_is_null(rows, 0, "names"))
        fail_msg("%s", row_text(rows, 0, "names"));
}

/* PostgreSQL lets everybody call a function that is made, until that is revoked. */
static void nobody_may_call_a_function_just_because_it_is_there(void **state)
{
    (void)state;
    expect_nothing("SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
                   " CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a"
                   " WHERE " OURS " AND a.grantee = 0");
    expect_nothing("SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                   " CROSS JOIN aclexplode(c.relacl) AS a WHERE " OURS " AND a.grantee = 0");
}

/* With a path of the caller's choice, a function that has its owner's rights calls what the caller made. */
static void a_function_with_its_owner_s_rights_looks_nowhere_but_in_the_system(void **state)
{
    (void)state;
    expect_nothing("SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
                   " WHERE " OURS " AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), "
                   "false)");
}

static void only_the_site_server_reaches_the_tables(void **state)
{
    (void)state;
    expect_nothing("SELECT r.rolname || ' ' || c.relname FROM pg_class c"
                   " JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'amt_store'"
                   " JOIN pg_roles r ON r.rolname IN ('amt_reader', 'amt_operator', 'amt_secret_reader', "
                   "'amt_administrator')"
                   " WHERE c.relkind IN ('r', 'v', 'm', 'p') AND (has_schema_privilege(r.oid, n.oid, 'USAGE')"
                   " OR has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE'))");
    expect_nothing("SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                   " WHERE n.nspname = 'amt' AND c.relkind <> 'c'"
                   " AND (c.relkind <> 'v' OR has_table_privilege('amt_site_server', c.oid, 'UPDATE'))");
    expect_nothing("SELECT 'the audit' WHERE has_table_privilege('amt_site_server', 'amt_store.audit', "
                   "'UPDATE, DELETE, TRUNCATE')");
}

static void a_reader_reads_every_view_and_calls_no_function(void **state)
{
    (void)state;
    expect_nothing("SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
                   " WHERE n.nspname = 'amt' AND has_function_privilege('amt_reader', p.oid, 'EXECUTE')");
    expect_nothing("SELECT r.rolname || ' ' || c.relname FROM pg_class c"
                   " JOIN pg_namespace n ON n.oid = c.relnamespace"
                   " JOIN pg_roles r ON r.rolname IN ('amt_reader', 'amt_operator', 'amt_secret_reader')"
                   " WHERE n.nspname = 'amt' AND c.relkind = 'v' AND NOT has_table_privilege(r.oid, c.oid, "
                   "'SELECT')");
}

/* Spec 6.4; and whoever admits a service point, or an authority, could come by every password. */
static void an_operator_neither_reads_secrets_nor_admits_those_who_get_them(void **state)
{
    (void)state;
    expect_nothing("SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
                   " WHERE n.nspname = 'amt' AND p.proname IN ('secret_announce', 'profile_secret_announce', "
                   "'secret_read', 'sealed_next', 'sealed_replace', 'service_point_approve', 'authority_set')"
                   " AND has_function_privilege('amt_operator', p.oid, 'EXECUTE')");
    expect_nothing("SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
                   " WHERE n.nspname = 'amt' AND p.proname NOT IN ('secret_announce', "
                   "'profile_secret_announce', 'secret_read', 'sealed_next', 'sealed_replace')"
                   " AND has_function_privilege('amt_secret_reader', p.oid, 'EXECUTE')");
}

/* What is sealed goes through functions that write into the audit first. */
static void no_view_shows_what_is_sealed(void **state)
{
    (void)state;
    expect_nothing(
        "SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'amt' AND c.relkind = 'v' AND a.attnum > 0"
        " AND a.attname ~ '(nonce|ciphertext|salt|mark)$'");
}

static int start(void **state)
{
    struct error err = { 0 };

    (void)state;
    if (fresh_database_start(&fresh, &err) &&
        database_open(&db, &(struct database_options){ .url = fresh_database_url(&fresh), .program = "test" },
                      &err))
        return 0;
    print_error("%s\n", err.message);
    return -1;
}

static int stop(void **state)
{
    (void)state;
    database_close(&db);
    fresh_database_stop(&fresh);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_may_call_a_function_just_because_it_is_there),
        cmocka_unit_test(a_function_with_its_owner_s_rights_looks_nowhere_but_in_the_system),
        cmocka_unit_test(only_the_site_server_reaches_the_tables),
        cmocka_unit_test(a_reader_reads_every_view_and_calls_no_function),
        cmocka_unit_test(an_operator_neither_reads_secrets_nor_admits_those_who_get_them),
        cmocka_unit_test(no_view_shows_what_is_sealed),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
