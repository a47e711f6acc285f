/*
 * secrets_test.c - spec 6: nothing leaks. A run with every kind of secret, failures included; then each one
 * is looked for in every log, view, table, file, process list and memory dump that a stranger might see.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/encoding.h"
#include "support/agent_peer.h"
#include "support/expect.h"

enum { SECRETS_MAX = 64, COMPUTERS = 5 };

struct run {
    struct site *site;
    struct computer computers[COMPUTERS];
    char *secrets[SECRETS_MAX]; /* in clear; only this test holds them together */
    size_t secret_count;
};

static void remember(struct run *run, const char *secret)
{
    assert_true(run->secret_count < SECRETS_MAX);
    assert_true(strlen(secret) >= 8); /* shorter ones would be found by chance */
    run->secrets[run->secret_count++] = text_copy(secret);
}

/* As it is, and as it would look encoded. */
static bool holds(const char *haystack, size_t length, const char *secret)
{
    AUTO(text_free) char *base64 = base64_encode(secret, strlen(secret));
    AUTO(text_free) char *hex = allocate(strlen(secret) * 2 + 1);

    hex_encode(secret, strlen(secret), hex);
    return memmem(haystack, length, secret, strlen(secret)) ||
           memmem(haystack, length, base64, strlen(base64)) || memmem(haystack, length, hex, strlen(hex));
}

static void expect_clean(const struct run *run, const char *what, const char *content, size_t length)
{
    for (size_t i = 0; i < run->secret_count; i++) {
        if (holds(content, length, run->secrets[i]))
            fail_msg("secret number %zu stands in %s", i, what);
    }
}

static void remember_escrow(struct run *run, const struct computer *computer, const char *kind)
{
    AUTO(text_free) char *password = NULL;
    struct error err = { 0 };

    must(site_amtctl(run->site, &password, &err, "secret", "show", computer->uuid, kind, NULL));
    password[strcspn(password, "\n")] = '\0';
    remember(run, password);
}

/* The keys themselves: each word of 40 characters and more of the private files. */
static void remember_file(struct run *run, const char *path)
{
    AUTO(text_free) char *content = NULL;
    struct error err = { 0 };

    must(file_read(path, &content, NULL, &err));
    for (char *rest = content, *line; (line = strsep(&rest, "\n"));) {
        char *word = strrchr(line, ' ') ? strrchr(line, ' ') + 1 : line;

        if (strncmp(line, "public", 6) != 0 && strncmp(line, "-----", 5) != 0 && strlen(word) >= 40 &&
            run->secret_count < SECRETS_MAX)
            remember(run, word);
    }
}

static void import_with_passwords(struct run *run, const struct computer *computer, const char *mebx,
                                  const char *admin)
{
    AUTO(text_free) char *line = computer_import_line(computer);
    AUTO(text_free) char *mebx64 = base64_encode(mebx, strlen(mebx));
    AUTO(text_free) char *admin64 = base64_encode(admin, strlen(admin));
    AUTO(text_free) char *csv = text_format("%s,,%s,%s\n", line, mebx64, admin64);
    AUTO(text_free)
    char *path = text_format("%s.csv", run->site->place.directory); /* outside of what is searched */
    struct error err = { 0 };

    must(file_write(path, csv, 0600, &err));
    must(site_amtctl(run->site, NULL, &err, "import", path, NULL));
    remove(path);
}

/* Whatever a program holds in memory while it works, its command line and environment are for all to see. */
static void expect_clean_process(const struct run *run, const char *name, const char *what, pid_t pid)
{
    AUTO(text_free) char *path = text_format("/proc/%d/%s", (int)pid, what);
    AUTO(text_free) char *label = text_format("%s of %s", what, name);
    AUTO(text_free) char *content = NULL;
    struct error err = { 0 };
    size_t length;

    if (!file_read(path, &content, &length, &err))
        return; /* not readable even for root: as clean as can be */
    expect_clean(run, label, content, length);
}

static struct process *process_of(struct site *site, int which)
{
    return which == 0   ? site->server
           : which == 1 ? site->points[0].process
                        : simulator_process(site->simulator);
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "log.level = debug",
                                                   "queue.heartbeat = 1s", NULL };
    static const char *const point_settings[] = { "log.level = debug", NULL };
    struct site_options options = { .server_settings = server_settings, .point_settings = point_settings };
    struct run *run = allocate(sizeof(*run));
    struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
    void *site = NULL;

    setrlimit(RLIMIT_CORE, &unlimited); /* whoever dumps core may: the daemons must not */
    if (scenario_begin(&site, &options) != 0) {
        free(run);
        return -1;
    }
    run->site = site;
    *state = run;
    return 0;
}

/* The last test ended the daemons its own way. */
static int end(void **state)
{
    struct run *run = *state;

    site_stop(&run->site);
    for (size_t i = 0; i < run->secret_count; i++)
        free(run->secrets[i]);
    free(run);
    return 0;
}

static void expect_kind(struct agent_peer *peer, const struct message *question, enum message_kind kind)
{
    AUTO(message_free) struct message answer = { 0 };
    struct error err = { 0 };

    must(agent_peer_ask(peer, question, &answer, &err));
    assert_string_equal(message_kind_name(answer.kind), message_kind_name(kind));
}

/* Its token and its one-time password are secrets, too; the second never leaves the computer. */
static void provision_in_band(struct run *run, unsigned index)
{
    AUTO(agent_peer_close) struct agent_peer *peer = NULL;
    AUTO(secret_free) struct secret *token = NULL;
    AUTO(text_free) char *printed = NULL;
    struct site *site = run->site;
    struct one_time_password otp;
    struct computer computer;
    struct message message;
    struct error err = { 0 };

    must(site_amtctl(site, &printed, &err, "token", "create", "secrets", NULL));
    printed[strcspn(printed, "\n")] = '\0';
    remember(run, printed);
    token = secret_from_text(printed);
    one_time_password_make(&otp);
    remember(run, otp.text);
    computer_plan(&computer, site, index, "16.1");
    must(computer_plug_in(site, &computer, &err, "state=pre hello=manual"));
    must(agent_peer_open(&peer, site, NULL, &err));
    message = agent_enrol(site, &computer, token, SETUP_PRE);
    expect_kind(peer, &message, MESSAGE_ENROLLED);
    message = agent_register(&computer, &otp);
    expect_kind(peer, &message, MESSAGE_OTP_REGISTERED);
    must(simulator_control(site->simulator, NULL, &err, "set %s otp=%s state=in", computer.uuid, otp.text));
    message = agent_activated(&computer);
    expect_kind(peer, &message, MESSAGE_NOTED);
    expect_outcome(site, &computer, "provisioned", "");
}

/* Firmware that refuses a call with the very words of the request. */
static const struct {
    unsigned computer;
    const char *operation;
} echoes[] = {
    { 0, "AMT_SetupAndConfigurationService.SetMEBxPassword" },
    { 0, "AMT_WiFiPortConfigurationService.AddWiFiSettings" },
    { 3, "AMT_AuthorizationService.SetAdminAclEntryEx" },
    { 4, "SecurityAdministration.SetMEBxPassword" },
    { 4, "SecurityAdministration.CertStoreAddKey" },
};

/* The run whose traces the other tests look for. */
static void a_run_uses_secrets_of_every_kind(void **state)
{
    static const char profile[] =
        "mebx password = random\nuser console = redirection\n"
        "[wireless office]\nssid = office\npriority = 1\nauthentication = wpa2-psk\n";
    struct run *run = *state;
    struct site *site = run->site;
    AUTO(text_free) char *profile_path = site_path(site, "default.profile");
    AUTO(text_free) char *account_path = text_format("%s.account", site->place.directory);
    AUTO(text_free) char *user_password = NULL;
    struct error err = { 0 };

    remember(run, "Imp0rted.Mebx.Word");
    remember(run, "Imp0rted.Admin.Word");
    remember(run, "Acc0unt.Of.The.List");
    must(file_write(profile_path, profile, 0600, &err));
    remember(run, "Wireless.Pass.Phrase.0f.The.Profile");
    must(file_write(account_path, "wireless office:Wireless.Pass.Phrase.0f.The.Profile\n", 0600, &err));
    must(site_amtctl(site, NULL, &err, "profile", "set", "default", profile_path, "--password-file",
                     account_path, NULL));
    must(site_amtctl(site, &user_password, &err, "profile", "password", "default", "console", NULL));
    user_password[strcspn(user_password, "\n")] = '\0';
    remember(run, user_password);
    must(file_write(account_path, "Acc0unt.Of.The.List", 0600, &err));
    must(site_amtctl(site, NULL, &err, "account", "add", "depot", "--password-file", account_path, NULL));
    remove(account_path);

    computer_plan(&run->computers[0], site, 0, "19.0");
    must(computer_plug_in(site, &run->computers[0], &err, "hello=manual mobile=yes wifi=yes"));
    computer_plan(&run->computers[1], site, 1, "9.0");
    must(computer_plug_in(
        site, &run->computers[1], &err,
        "hello=manual challenge=yes admin-password=Imp0rted.Admin.Word mebx-password=Imp0rted.Mebx.Word"));
    computer_plan(&run->computers[2], site, 2, "9.0");
    must(computer_plug_in(site, &run->computers[2], &err,
                          "hello=manual challenge=yes admin-password=Acc0unt.Of.The.List"));
    computer_plan(&run->computers[3], site, 3, "14.0"); /* fails after its password was set, then succeeds */
    must(computer_plug_in(site, &run->computers[3], &err, "hello=manual"));
    must(
        simulator_control(site->simulator, NULL, &err,
                          "misbehave %s drop-after at=AMT_SetupAndConfigurationService.CommitChanges times=1",
                          run->computers[3].uuid));
    must(simulator_control(site->simulator, NULL, &err,
                           "misbehave %s fault at=AMT_AuthorizationService.AddUserAclEntryEx "
                           "InternalError times=1",
                           run->computers[3].uuid));
    computer_plan(&run->computers[4], site, 4, "5.2");
    must(computer_plug_in(site, &run->computers[4], &err, "hello=manual"));
    for (size_t i = 0; i < COUNT_OF(echoes); i++)
        must(simulator_control(site->simulator, NULL, &err, "misbehave %s echo at=%s times=1",
                               run->computers[echoes[i].computer].uuid, echoes[i].operation));
    import_with_passwords(run, &run->computers[1], "Imp0rted.Mebx.Word", "Imp0rted.Admin.Word");
    must(computers_import(site, &run->computers[0], 1, &err));
    must(computers_import(site, &run->computers[2], 3, &err));
    for (size_t i = 0; i < COMPUTERS; i++)
        say_hello(site, &run->computers[i]);
    for (size_t i = 0; i < COMPUTERS; i++)
        expect_outcome(site, &run->computers[i], "provisioned", "");
    for (size_t i = 0; i < COMPUTERS; i++)
        remember_escrow(run, &run->computers[i], "admin");
    remember_escrow(run, &run->computers[0], "mebx");
    provision_in_band(run, COMPUTERS);
    remember_escrow(run, &run->computers[4], "mebx");
    for (size_t i = 0; i < COUNT_OF(echoes); i++)
        expect_sql(
            site, "t",
            "SELECT count(*) > 0 FROM amt.job_step WHERE outcome = 'failed' AND detail LIKE '%%%s%%****%%'"
            " AND job = (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
            echoes[i].operation, run->computers[echoes[i].computer].uuid);
    remember_file(run, site->secret_key_path);
    AUTO(text_free) char *server_key = site_path(site, "site-server.key");
    AUTO(text_free) char *point_key = site_path(site, "service-point-1.key");

    remember_file(run, server_key);
    remember_file(run, point_key);
    assert_true(run->secret_count >= 14);
}

static void no_log_holds_a_secret(void **state)
{
    struct run *run = *state;
    const char *logs[] = { run->site->server_log_path, run->site->points[0].log_path };

    for (size_t i = 0; i < COUNT_OF(logs); i++) {
        AUTO(text_free) char *content = NULL;
        struct error err = { 0 };
        size_t length;

        must(file_read(logs[i], &content, &length, &err));
        assert_true(length > 1000);
        expect_clean(run, logs[i], content, length);
    }
}

static void no_view_holds_a_secret(void **state)
{
    struct run *run = *state;
    AUTO(text_free) char *views = NULL;
    struct error err = { 0 };
    size_t count = 0;

    must(sql_table(run->site->sql, &views, &err,
                   "SELECT viewname FROM pg_views WHERE schemaname = 'amt' ORDER BY viewname"));
    for (char *rest = views, *view; (view = strsep(&rest, "\n")) && *view; count++) {
        AUTO(text_free) char *query = text_format("SELECT v::text FROM amt.%s v", view);
        AUTO(text_free) char *content = NULL;

        must(sql_table(run->site->sql, &content, &err, query));
        expect_clean(run, view, content, strlen(content));
    }
    assert_true(count >= 10);
}

/* Tables hold them encrypted only; the files of the cluster too, and its log. */
static void no_table_and_no_file_of_the_database_holds_a_secret(void **state)
{
    struct run *run = *state;
    AUTO(text_free) char *tables = NULL;
    AUTO(text_free) char *log = text_format("%s/log", run->site->cluster_path);
    AUTO(text_free) char *content = NULL;
    struct error err = { 0 };
    size_t length;

    must(sql_table(run->site->sql, &tables, &err,
                   "SELECT tablename FROM pg_tables WHERE schemaname = 'amt_store'"));
    for (char *rest = tables, *table; (table = strsep(&rest, "\n")) && *table;) {
        AUTO(text_free) char *query = text_format("SELECT t::text FROM amt_store.%s t", table);
        AUTO(text_free) char *rows = NULL;

        must(sql_table(run->site->sql, &rows, &err, query));
        expect_clean(run, table, rows, strlen(rows));
    }
    must(file_read(log, &content, &length, &err));
    expect_clean(run, log, content, length);
}

static void no_command_line_and_no_environment_holds_a_secret(void **state)
{
    struct run *run = *state;
    DIR *processes = opendir("/proc");
    struct dirent *entry;

    assert_non_null(processes);
    while ((entry = readdir(processes)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

        if (pid <= 0)
            continue;
        expect_clean_process(run, entry->d_name, "cmdline", pid);
    }
    closedir(processes);
    for (int which = 0; which < 2; which++)
        expect_clean_process(run, "a daemon", "environ", process_pid(process_of(run->site, which)));
}

/* Nobody without the role gets at the secrets through SQL, encrypted or not. */
static void a_reader_of_views_cannot_read_tables_or_secrets(void **state)
{
    struct run *run = *state;
    AUTO(text_free) char *url = site_url(run->site, "reader");
    AUTO(sql_close) struct sql *sql = NULL;
    AUTO(text_free) char *value = NULL;
    struct error err = { 0 };

    must(sql_open(&sql, url, &err));
    must(sql_text(sql, &value, &err, "SELECT count(*) FROM amt.computer", NULL));
    assert_int_equal(strtol(value, NULL, 10), COMPUTERS + 1); /* and the one that its agent made known */
    assert_false(sql_text(sql, &value, &err, "SELECT ciphertext::text FROM amt_store.secret LIMIT 1", NULL));
    assert_false(sql_text(sql, &value, &err, "SELECT amt.secret_announce($1::uuid, 'admin')::text",
                          run->computers[0].uuid, NULL));
}

/* Spec 6.4: who read a secret stands in the audit table. */
static void reading_a_secret_is_audited(void **state)
{
    struct run *run = *state;

    expect_sql(
        run->site, "t",
        "SELECT count(*) > 0 FROM amt.audit WHERE what = 'secret read' AND who = 'operator' AND uuid = '%s'",
        run->computers[0].uuid);
}

/* Ends both daemons: the last test. */
static void a_daemon_that_crashes_leaves_no_core(void **state)
{
    struct run *run = *state;
    struct error err = { 0 };

    for (int which = 0; which < 2; which++) {
        struct process *process = process_of(run->site, which);
        int status = 0;

        process_signal(process, SIGABRT);
        must(process_wait_end(process, SITE_WAIT_MS, &status, &err));
        assert_true(WIFSIGNALED(status));
        assert_false(WCOREDUMP(status));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_uses_secrets_of_every_kind),
        cmocka_unit_test(no_log_holds_a_secret),
        cmocka_unit_test(no_view_holds_a_secret),
        cmocka_unit_test(no_table_and_no_file_of_the_database_holds_a_secret),
        cmocka_unit_test(no_command_line_and_no_environment_holds_a_secret),
        cmocka_unit_test(a_reader_of_views_cannot_read_tables_or_secrets),
        cmocka_unit_test(reading_a_secret_is_audited),
        cmocka_unit_test(a_daemon_that_crashes_leaves_no_core),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
