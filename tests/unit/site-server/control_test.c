/* Spec 10: amtctl's commands against a real database, as a person types them. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/command.h"
#include "control/session.h"
#include "database/schema_change.h"
#include "support/postgres.h"
#include "support/sql.h"
#include "support/workplace.h"

#define WORDS_MAX 16

#define UUID_1 "12345678-9abc-def0-1234-56789abcdef0"
#define UUID_2 "22345678-9abc-def0-1234-56789abcdef0"
/* Base64 of "P@ssw0rd", "Qw3rty!!", "N3wer#one" */
#define BASE64_1 "UEBzc3cwcmQ="
#define BASE64_2 "UXczcnR5ISE="
#define BASE64_3 "TjN3ZXIjb25l"

struct site {
    char directory[64];
    struct postgres *postgres;
    struct sql *sql;
    char *key_file;
};

static struct site site = { .directory = "/tmp/control_test.XXXXXX" };

/* What a command did. */
static struct {
    bool well;
    char *output;
    struct error err;
} ran;

static char *path_of(const char *name)
{
    return text_format("%s/%s", site.directory, name);
}

static void write_file(const char *name, const char *content)
{
    AUTO(text_free) char *path = path_of(name);
    struct error err;

    if (!file_write(path, content, 0600, &err))
        fail_msg("%s", err.message);
}

/* The URL with another user than the cluster's superuser. */
static char *url_of(const char *user)
{
    char *superuser = strstr(postgres_url(site.postgres), "user=postgres");

    assert_non_null(superuser);
    return text_format("%.*suser=%s", (int)(superuser - postgres_url(site.postgres)),
                       postgres_url(site.postgres), user);
}

static bool run_invocation(struct invocation *invocation)
{
    struct session session;
    bool done;

    session_begin(&session, invocation);
    done = (!invocation->command->role || session_open(&session, invocation->command->role, &ran.err)) &&
           invocation->command->run(&session, invocation, &ran.err);
    session_end(&session);
    fflush(stdout);
    return done;
}

/* Standard output goes to a file meanwhile: passwords are written to the descriptor. */
static void run_words(int count, char **words)
{
    AUTO(text_free) char *path = path_of("output");
    int shown, into;
    struct invocation invocation;
    struct error err;
    FILE *file;

    ran.err = (struct error){ 0 };
    assert_int_equal(invocation_parse(count, words, &invocation, &ran.err), PARSED_COMMAND);
    fflush(stdout);
    file = fopen(path, "w");
    assert_non_null(file);
    shown = dup(STDOUT_FILENO);
    into = dup2(fileno(file), STDOUT_FILENO);
    ran.well = run_invocation(&invocation);
    dup2(shown, STDOUT_FILENO);
    close(shown);
    fclose(file);
    assert_int_equal(into, STDOUT_FILENO);
    text_free(&ran.output);
    assert_true(file_read(path, &ran.output, NULL, &err));
}

/* Runs "amtctl LINE" as a user of the database; words are separated by single spaces, @ is the directory. */
static void run_as(const char *user, const char *line)
{
    char *words[WORDS_MAX + 6], *owned[WORDS_MAX], *word;
    AUTO(text_free) char *text = text_copy(line), *url = url_of(user);
    char program[] = "amtctl", database[] = "--database", key_file[] = "--key-file", *rest = text;
    int count = 0, owned_count = 0;

    words[count++] = program;
    words[count++] = database;
    words[count++] = url;
    words[count++] = key_file;
    words[count++] = site.key_file;
    while ((word = strsep(&rest, " ")) != NULL) {
        owned[owned_count] = *word == '@' ? path_of(word + 1) : text_copy(word);
        words[count++] = owned[owned_count++];
    }
    words[count] = NULL;
    run_words(count, words);
    while (owned_count)
        free(owned[--owned_count]);
}

static void run(const char *line)
{
    run_as("postgres", line);
}

static void expect_well(const char *line, const char *output)
{
    run(line);
    if (!ran.well)
        fail_msg("amtctl %s: %s", line, ran.err.message);
    if (output && !strstr(ran.output, output))
        fail_msg("amtctl %s: \"%s\" is not in \"%s\"", line, output, ran.output);
}

static void expect_refused_as(const char *user, const char *line, const char *reason)
{
    run_as(user, line);
    if (ran.well)
        fail_msg("amtctl %s was not refused", line);
    if (!strstr(ran.err.message, reason))
        fail_msg("amtctl %s: \"%s\" does not say \"%s\"", line, ran.err.message, reason);
}

static void expect_refused(const char *line, const char *reason)
{
    expect_refused_as("postgres", line, reason);
}

static void expect_sql(const char *query, const char *value)
{
    AUTO(text_free) char *found = NULL;
    struct error err;

    if (!sql_text(site.sql, &found, &err, query, NULL))
        fail_msg("%s: %s", query, err.message);
    assert_string_equal(found, value);
}

static void do_sql(const char *statement)
{
    AUTO(text_free) char *ignored = NULL;
    struct error err;

    if (!sql_text(site.sql, &ignored, &err, statement, NULL))
        fail_msg("%s: %s", statement, err.message);
}

/* ---- the site
 * ---------------------------------------------------------------------------------------------- */

static bool prepare(struct error *err)
{
    AUTO(text_free) char *cluster = path_of("postgres");
    unsigned applied;

    site.key_file = path_of("secret.keys");
    return postgres_start(&site.postgres, cluster, err) &&
           schema_migrate(postgres_url(site.postgres), &applied, err) &&
           sql_open(&site.sql, postgres_url(site.postgres), err);
}

static int start_site(void **state)
{
    static const char *const roles[] = { "reader", "operator", "secret_reader" };
    struct error err = { 0 };

    (void)state;
    if (!mkdtemp(site.directory) || chmod(site.directory, 0755) != 0 || !prepare(&err)) {
        fprintf(stderr, "%s\n", err.message);
        return -1;
    }
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        AUTO(text_free) char *create = text_format("CREATE ROLE test_%s LOGIN", roles[i]);
        AUTO(text_free) char *grant = text_format("GRANT amt_%s TO test_%s", roles[i], roles[i]);

        do_sql(create);
        do_sql(grant);
    }
    do_sql("CREATE ROLE test_nobody LOGIN");
    do_sql("SET client_min_messages = warning");
    expect_well("secret init", NULL);
    return 0;
}

static int stop_site(void **state)
{
    (void)state;
    text_free(&ran.output);
    sql_close(&site.sql);
    postgres_stop(&site.postgres);
    directory_remove(site.directory);
    text_free(&site.key_file);
    return 0;
}

/* Each test begins without computers, profiles of its own, and accounts. */
static int forget_all(void **state)
{
    (void)state;
    do_sql("TRUNCATE amt_store.computer, amt_store.account, amt_store.service_point, amt_store.authority, "
           "amt_store.audit CASCADE");
    do_sql("DELETE FROM amt_store.profile WHERE name <> 'default'");
    return 0;
}

static void import_two(void)
{
    write_file("two.csv", "short_name,FQDN,SMBIOS_UUID,MAC,MEBx_password,admin_password\n"
                          "pc1,PC1.example.com," UUID_1 ",00:1b:21:0a:0b:0c," BASE64_1 "," BASE64_2 "\n"
                          "pc2,pc2.example.com," UUID_2 "\n");
    expect_well("import @two.csv", "2 computers: 2 imported, 0 updated, 0 unchanged");
}

/* ---- import
 * ------------------------------------------------------------------------------------------------- */

static void an_import_brings_computers_in_and_again_changes_nothing(void **state)
{
    (void)state;
    import_two();
    expect_well("import @two.csv", "2 computers: 0 imported, 0 updated, 2 unchanged");
    expect_sql(
        "SELECT string_agg(concat_ws(' ', short_name, fqdn, mac), ', ' ORDER BY fqdn) FROM amt.computer",
        "pc1 pc1.example.com 00:1b:21:0a:0b:0c, pc2 pc2.example.com");
    expect_sql("SELECT string_agg(kind || ' ' || state, ', ' ORDER BY id) FROM amt.secret_status",
               "mebx imported, admin imported");
}

static void a_second_import_updates_what_differs_and_keeps_what_is_left_out(void **state)
{
    (void)state;
    import_two();
    write_file("change.csv", "pc1,pc1b.example.com," UUID_1 ",,," BASE64_3 "\n"
                             "pc2,pc2.example.com," UUID_2 "\n");
    expect_well("--json import @change.csv", "\"imported\": 0, \"updated\": 1, \"unchanged\": 1");
    expect_sql("SELECT fqdn || ' ' || mac FROM amt.computer WHERE uuid = '" UUID_1 "'",
               "pc1b.example.com 00:1b:21:0a:0b:0c");
    expect_well("secret show " UUID_1 " admin", "N3wer#one\n");
    expect_well("secret show pc1b.example.com mebx", "P@ssw0rd\n");
}

static void a_file_with_a_bad_line_imports_nothing(void **state)
{
    (void)state;
    import_two();
    write_file("bad.csv", "pc3,pc3.example.com,32345678-9abc-def0-1234-56789abcdef0\n"
                          "pc4,pc3.example.com,42345678-9abc-def0-1234-56789abcdef0\n"
                          "pc5,pc5.example.com,32345678-9abc-def0-1234-56789abcdef0\n"
                          "pc6,PC1.example.com,62345678-9abc-def0-1234-56789abcdef0\n"
                          "pc7,pc7.example.com,nonsense\n");
    expect_refused("--json import @bad.csv", "4 bad lines, nothing was imported");
    assert_non_null(strstr(ran.output, "{\"line\": 2, \"reason\": \"the same FQDN as in line 1"));
    assert_non_null(strstr(ran.output, "{\"line\": 3, \"reason\": \"the same UUID as in line 1"));
    assert_non_null(strstr(
        ran.output, "{\"line\": 4, \"reason\": \"the FQDN pc1.example.com belongs to the computer " UUID_1));
    assert_non_null(strstr(ran.output, "{\"line\": 5, \"reason\": \"'nonsense' is no UUID"));
    expect_sql("SELECT count(*) FROM amt.computer", "2");
}

static void a_bad_line_far_behind_good_ones_still_imports_nothing(void **state)
{
    AUTO(text_free) char *path = path_of("long.csv");
    FILE *file = fopen(path, "w");

    (void)state;
    assert_non_null(file);
    for (unsigned i = 0; i < 2500; i++)
        fprintf(file, "n%u,n%u.example.com,%08x-0000-0000-0000-000000000001\n", i, i, i + 1);
    fprintf(file, "n0,n0.example.com,%08x-0000-0000-0000-000000000002\n", 1u);
    fclose(file);
    expect_refused("import @long.csv", "1 bad line, nothing was imported");
    expect_sql("SELECT count(*) FROM amt.computer", "0");
}

static void an_import_without_computers_is_refused(void **state)
{
    (void)state;
    write_file("empty.csv", "short_name,FQDN,SMBIOS_UUID\n# nothing\n");
    expect_refused("import @empty.csv", "has no computers");
    expect_refused("import @absent.csv", "cannot read");
}

/* ---- computers and jobs
 * --------------------------------------------------------------------------------------- */

static void a_blocked_computer_gets_no_job_until_it_is_unblocked(void **state)
{
    (void)state;
    import_two();
    expect_well("computer block pc1.example.com --why repair", "1 computer blocked");
    expect_refused("job request provision pc1.example.com", "is blocked: repair");
    expect_well("computer unblock " UUID_1, NULL);
    expect_well("job request provision pc1.example.com", NULL);
    expect_sql("SELECT state FROM amt.job", "waiting");
}

static void several_computers_are_changed_all_or_none(void **state)
{
    (void)state;
    import_two();
    expect_refused("computer block pc1.example.com pc9.example.com",
                   "no computer has the FQDN 'pc9.example.com'");
    expect_sql("SELECT count(*) FROM amt.computer WHERE blocked", "0");
    expect_refused("job request provision pc1.example.com pc1.example.com", "has an open job already");
    expect_sql("SELECT count(*) FROM amt.job", "0");
}

static void computers_are_named_for_a_job_or_chosen_never_both_and_never_neither(void **state)
{
    (void)state;
    import_two();
    expect_refused("job request update", "no computers are named for 'update'");
    expect_refused("job request update --all pc1.example.com", "give the one or the other");
    expect_refused("job request update --all --profile default", "give the one or the other");
    expect_refused("job request polish pc1.example.com", "there is no job of kind polish");
    expect_refused("job request polish --all", "there is no job of kind polish");
    expect_refused("job request update --profile absent", "there is no profile absent");
    expect_refused("job request update --status asleep", "there is no status asleep");
    expect_refused("job request update pc1.example.com", "is not provisioned by this site");
    expect_sql("SELECT count(*) FROM amt.job", "0");
}

static void a_job_for_many_says_how_many_were_skipped(void **state)
{
    (void)state;
    import_two();
    expect_well("job request provision pc1.example.com", NULL);
    expect_well("job request discover --all", "1 requested, 1 skipped that have an open job, 0 left out");
    expect_well("--json job request update --status unknown",
                "{\"requested\": 0, \"with_open_job\": 0, \"left_out\": 2}");
    expect_sql("SELECT string_agg(kind, ' ' ORDER BY id) FROM amt.job", "provision discover");
}

static void a_cancelled_job_is_told_by_watch_as_not_well(void **state)
{
    AUTO(text_free) char *cancel = NULL;
    AUTO(text_free) char *watch = NULL;
    AUTO(text_free) char *show = NULL;

    (void)state;
    import_two();
    expect_well("job request provision pc1.example.com", NULL);
    ran.output[strcspn(ran.output, "\n")] = '\0';
    cancel = text_format("job cancel %s", ran.output);
    watch = text_format("job watch %s", ran.output);
    show = text_format("--json job show %s", ran.output);
    expect_refused("job watch --timeout 1", "still open");
    expect_well(cancel, "1 job cancelled");
    expect_refused(cancel, "is cancelled already");
    expect_refused(watch, "1 of 1 jobs did not end well");
    expect_well(show, "\"state\": \"cancelled\"");
    expect_refused("job show 999999", "there is no job 999999");
    expect_refused("job list --state lost", "is no state");
}

static void a_list_shows_what_the_filters_say(void **state)
{
    (void)state;
    import_two();
    expect_well("computer list --search PC2", UUID_2);
    assert_null(strstr(ran.output, UUID_1));
    expect_well("--json computer list --status unknown --limit 1", "\"amt_status\": null");
    expect_refused("computer list --status lost", "is no status");
    expect_refused("computer list --limit 0", "--limit '0' is not a number");
    expect_well("computer show pc1.example.com", "Passwords that this site holds:");
}

/* ---- secrets
 * ---------------------------------------------------------------------------------------------------- */

static void reading_a_password_leaves_an_audit_row_first(void **state)
{
    (void)state;
    import_two();
    expect_well("secret show pc1.example.com admin", NULL);
    assert_string_equal(ran.output, "Qw3rty!!\n");
    expect_sql(
        "SELECT who || ' ' || what || ' ' || uuid || ' ' || detail FROM amt.audit WHERE what = 'secret read'",
        "postgres secret read " UUID_1 " admin");
    expect_refused("secret show pc2.example.com admin", "there is no admin password");
    expect_refused("secret show pc2.example.com root", "is no kind of password");
}

static void a_password_is_not_read_without_its_key(void **state)
{
    char *keys = site.key_file;

    (void)state;
    import_two();
    site.key_file = path_of("other.keys");
    expect_well("secret init", NULL);
    expect_refused("secret show pc1.example.com admin", "key");
    free(site.key_file);
    site.key_file = keys;
    expect_refused("secret init", "there already");
}

static void a_rotation_seals_every_secret_with_a_new_key(void **state)
{
    (void)state;
    import_two();
    write_file("password", "fact0ry\n");
    expect_well("account add old --password-file @password", NULL);
    expect_well("ca init", NULL);
    expect_well("--json secret rotate-key", "\"added\": true, \"resealed\": 4}");
    expect_sql("SELECT count(DISTINCT key_id) FROM amt.sealed_key", "1");
    expect_well("secret show pc1.example.com admin", "Qw3rty!!\n");
    expect_well("import @two.csv", "2 unchanged");
}

static void a_rotation_that_was_interrupted_goes_on_with_the_same_key(void **state)
{
    (void)state;
    import_two();
    expect_well("--json secret rotate-key --key-only", "\"added\": true, \"resealed\": 0}");
    run("check");
    assert_non_null(strstr(ran.output, "which 2 values are sealed with, is not the current one"));
    expect_well("--json secret rotate-key", "\"added\": false, \"resealed\": 2}");
    expect_well("secret show pc1.example.com mebx", "P@ssw0rd\n");
}

/* ---- who may do what
 * -------------------------------------------------------------------------------------------- */

static void a_missing_role_is_named_with_the_way_to_get_it(void **state)
{
    static const struct {
        const char *user, *line, *role;
    } cases[] = {
        { "test_reader", "import @two.csv", "amt_operator" },
        { "test_reader", "computer block pc1.example.com", "amt_operator" },
        { "test_reader", "job request provision pc1.example.com", "amt_operator" },
        { "test_reader", "profile set trial @two.csv", "amt_operator" },
        { "test_reader", "rollout resume default", "amt_operator" },
        { "test_reader", "service-point approve x", "amt_administrator" },
        { "test_operator", "service-point approve x", "amt_administrator" },
        { "test_operator", "ca init", "amt_administrator" },
        { "test_reader", "secret show pc1.example.com admin", "amt_secret_reader" },
        { "test_operator", "secret show pc1.example.com admin", "amt_secret_reader" },
        { "test_operator", "secret rotate-key", "amt_secret_reader" },
        { "test_secret_reader", "computer unblock pc1.example.com", "amt_operator" },
        { "test_nobody", "computer list", "amt_reader" },
    };

    (void)state;
    import_two();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        expect_refused_as(cases[i].user, cases[i].line, cases[i].role);
        if (!strstr(ran.err.message, "GRANT"))
            fail_msg("\"%s\" does not say how to get the role", ran.err.message);
    }
}

static void each_role_can_do_what_it_is_for(void **state)
{
    (void)state;
    import_two();
    run_as("test_reader", "summary");
    assert_true(ran.well);
    run_as("test_operator", "computer list");
    assert_true(ran.well);
    run_as("test_operator", "computer block pc1.example.com");
    assert_true(ran.well);
    run_as("test_operator", "import @two.csv");
    assert_true(ran.well);
    run_as("test_secret_reader", "secret show pc1.example.com admin");
    assert_true(ran.well);
    assert_string_equal(ran.output, "Qw3rty!!\n");
    run_as("test_secret_reader", "secret rotate-key");
    assert_true(ran.well);
}

/* ---- profiles, accounts, service points, authority
 * --------------------------------------------------------------- */

static void a_profile_is_replaced_by_its_file_and_keeps_passwords(void **state)
{
    AUTO(text_free) char *generated = NULL;

    (void)state;
    write_file("profile", "kvm = off\nmebx password = shared\nuser helpdesk = redirection\n"
                          "user auditor = both: audit-log\nuser S-1-5-21-1-2-3-1110 = all\n");
    write_file("passwords", "helpdesk:P@ssw0rd\n");
    expect_well("profile set trial @profile --password-file @passwords", "2 passwords were generated");
    expect_well("profile password trial helpdesk", "P@ssw0rd\n");
    expect_well("profile password trial mebx", NULL);
    generated = text_copy(ran.output);
    write_file("profile", "kvm = on\nmebx password = shared\nuser helpdesk = local: redirection, eit\n");
    expect_well("profile set trial @profile", "with 1 users");
    expect_sql("SELECT name || ' ' || access || ' ' || array_to_string(realms, ',') FROM amt.profile_user",
               "helpdesk local Redirection,EIT");
    expect_well("profile password trial helpdesk", "P@ssw0rd\n");
    expect_well("profile password trial mebx", generated);
    expect_well("profile show trial", "\nuser helpdesk = local: redirection, eit\n");
    expect_refused("profile password trial auditor", "there is no user of that name");
    expect_well("profile remove trial", NULL);
    expect_refused("profile remove default", "default");
}

static void a_bad_profile_changes_nothing(void **state)
{
    (void)state;
    write_file("profile", "ping = off\nuser helpdesk = flying\n");
    expect_refused("profile set trial @profile", "line 2: user 'helpdesk': unknown realm 'flying'");
    write_file("profile", "user helpdesk = all\n");
    write_file("passwords", "helpdesk:weak\n");
    expect_refused("profile set trial @profile --password-file @passwords", "the password has 4 characters");
    write_file("passwords", "other:P@ssw0rd\n");
    expect_refused("profile set trial @profile --password-file @passwords", "'other' is no user");
    expect_sql("SELECT count(*) FROM amt.profile WHERE name = 'trial'", "0");
    expect_refused("profile show trial", "there is no profile 'trial'");
}

static void accounts_stand_in_the_order_that_was_wanted(void **state)
{
    (void)state;
    write_file("password", "fact0ry\n");
    expect_well("account add last --password-file @password", NULL);
    expect_well("account add first --user Admin2 --position 1 --password-file @password", NULL);
    expect_sql("SELECT string_agg(position || name || username, ' ' ORDER BY position) FROM amt.account",
               "1firstAdmin2 2lastadmin");
    expect_well("account remove first", NULL);
    expect_refused("account remove first", "there is no account first");
    assert_int_equal(chmod(site.directory, 0755), 0);
    write_file("password", "\n");
    expect_refused("account add empty --password-file @password", "is empty");
}

static void a_service_point_is_approved_by_key_and_removed_by_name(void **state)
{
    (void)state;
    expect_refused("service-point approve nonsense", "it is no public key");
    expect_well("service-point approve rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7 --name north", "approved");
    expect_well("service-point list", "north");
    expect_well("service-point remove north", "removed");
    expect_sql("SELECT state FROM amt.service_point", "removed");
}

static void an_authority_is_made_once_and_shown(void **state)
{
    (void)state;
    expect_refused("ca show --pem", "run 'amtctl ca init'");
    expect_well("ca init --subject Trial --days 30", "CN=Trial");
    expect_refused("ca init", "there is an authority already");
    expect_well("ca show --pem", "-----BEGIN CERTIFICATE-----");
    expect_well("ca init --replace", NULL);
    expect_sql("SELECT string_agg(state, ' ' ORDER BY created_at) FROM amt.authority", "retired active");
}

/* ---- check
 * ------------------------------------------------------------------------------------------------------- */

static void check_names_every_problem_with_its_remedy(void **state)
{
    (void)state;
    expect_refused("--json check --certificate @absent", "problems found");
    assert_non_null(strstr(ran.output,
                           "\"finding\": \"there is none, so computers can get no certificates\", "
                           "\"remedy\": \"run 'amtctl ca init'\""));
    assert_non_null(strstr(ran.output, "none is approved"));
    assert_non_null(strstr(ran.output, "cannot read"));
}

static void check_without_a_database_says_so(void **state)
{
    char program[] = "amtctl", database[] = "--database", url[] = "postgresql:///none?host=/nonexistent",
         word[] = "check";
    char *words[] = { program, database, url, word, NULL };

    (void)state;
    run_words(4, words);
    assert_false(ran.well);
    assert_non_null(strstr(ran.output, "problem  database"));
}

static void a_rollout_takes_its_limits_and_nothing_else(void **state)
{
    (void)state;
    do_sql("SELECT amt.profile_set('trial', '{}')");
    expect_well("rollout set trial wave_size=10 per_subnet=2 failures=none lost_contact_counts=on", "");
    expect_sql("SELECT concat_ws(' ', wave_size, per_subnet, failures, lost_contact_counts, judged_last)"
               " FROM amt.rollout WHERE profile = 'trial'",
               "10 2 t 50");
    expect_well("rollout set trial wave_size=none", "");
    expect_sql("SELECT wave_size IS NULL FROM amt.rollout WHERE profile = 'trial'", "t");
    expect_refused("rollout set trial wave_size=0", "wave_size cannot be");
    expect_refused("rollout set trial judged_last=none", "judged_last cannot be");
    expect_refused("rollout set trial subnet_bits=33", "out of range");
    expect_refused("rollout set trial speed=3", "there is no setting speed");
    expect_refused("rollout set trial wave_size", "is not KEY=VALUE");
    expect_refused("rollout set nobody wave_size=3", "there is no profile nobody");
    expect_well("rollout halt trial --why doubts", "");
    expect_well("rollout list", "doubts");
    expect_well("rollout resume trial", "");
    expect_sql("SELECT state FROM amt.rollout WHERE profile = 'trial'", "running");
}

#define TEST(name) cmocka_unit_test_setup(name, forget_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_import_brings_computers_in_and_again_changes_nothing),
        TEST(a_second_import_updates_what_differs_and_keeps_what_is_left_out),
        TEST(a_file_with_a_bad_line_imports_nothing),
        TEST(a_bad_line_far_behind_good_ones_still_imports_nothing),
        TEST(an_import_without_computers_is_refused),
        TEST(a_blocked_computer_gets_no_job_until_it_is_unblocked),
        TEST(several_computers_are_changed_all_or_none),
        TEST(computers_are_named_for_a_job_or_chosen_never_both_and_never_neither),
        TEST(a_job_for_many_says_how_many_were_skipped),
        TEST(a_cancelled_job_is_told_by_watch_as_not_well),
        TEST(a_list_shows_what_the_filters_say),
        TEST(reading_a_password_leaves_an_audit_row_first),
        TEST(a_password_is_not_read_without_its_key),
        TEST(a_rotation_seals_every_secret_with_a_new_key),
        TEST(a_rotation_that_was_interrupted_goes_on_with_the_same_key),
        TEST(a_missing_role_is_named_with_the_way_to_get_it),
        TEST(each_role_can_do_what_it_is_for),
        TEST(a_profile_is_replaced_by_its_file_and_keeps_passwords),
        TEST(a_bad_profile_changes_nothing),
        TEST(accounts_stand_in_the_order_that_was_wanted),
        TEST(a_service_point_is_approved_by_key_and_removed_by_name),
        TEST(an_authority_is_made_once_and_shown),
        TEST(check_names_every_problem_with_its_remedy),
        TEST(check_without_a_database_says_so),
        TEST(a_rollout_takes_its_limits_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, start_site, stop_site);
}
