/*
 * lab_test.c - `make lab` as whoever brings a device of their own meets it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/expect.h"

enum { LAB_TIMEOUT_MS = 60000 };

struct lab {
    char *directory, *log_path, *program;
    struct process *process;
};

static void lab_begin(struct lab *lab, const char *name)
{
    char self[4096] = { 0 };

    assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    lab->directory = text_format("%s.%s", self, name);
    lab->log_path = text_format("%s.log", lab->directory);
    *strrchr(self, '/') = '\0';
    lab->program = text_format("%s/../lab", self);
}

static void lab_start(struct lab *lab)
{
    struct error err = { 0 };

    setenv("LAB_DIR", lab->directory, 1);
    must(process_start(&lab->process, lab->log_path, (const char *[]){ lab->program, NULL }, &err));
    must(process_wait_line(lab->process, "lab ready", LAB_TIMEOUT_MS, &err));
}

static void lab_end(struct lab *lab)
{
    process_stop(&lab->process);
    text_free(&lab->directory);
    text_free(&lab->log_path);
    text_free(&lab->program);
}

/* A shell with the lab's variables runs the command; the caller frees what it printed. */
static char *in_shell(const struct lab *lab, const char *command)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    AUTO(text_free) char *script = text_format(". '%s/env' && %s", lab->directory, command);
    struct error err = { 0 };

    must(command_run(&result, NULL, LAB_TIMEOUT_MS, (const char *[]){ "/bin/sh", "-c", script, NULL }, &err));
    if (result.exit_status != 0)
        fail_msg("%s: exit status %d: %s", command, result.exit_status, result.errors);
    result.output[strcspn(result.output, "\n")] = '\0';
    return text_copy(result.output);
}

/* Asked of the server itself: where its files are depends on who may read the lab's directory. */
static pid_t database_of(const struct lab *lab)
{
    AUTO(text_free)
    char *pid =
        in_shell(lab, "psql -X -A -t -d \"$AMT_DATABASE_URL\" -c \"SELECT pg_read_file('postmaster.pid')\"");

    return (pid_t)strtol(pid, NULL, 10);
}

static void the_variables_work_as_they_stand(void **state)
{
    struct lab lab = { 0 };

    (void)state;
    lab_begin(&lab, "first");
    lab_start(&lab);
    AUTO(text_free) char *address = in_shell(&lab, "echo $AMT_HELLO_ADDRESS");
    AUTO(text_free) char *suffix = in_shell(&lab, "echo $AMT_DNS_SUFFIX");
    AUTO(text_free)
    char *points = in_shell(&lab, "psql -X -A -t -d \"$AMT_DATABASE_URL\" -c \"SELECT count(*) FROM "
                                  "amt.service_point WHERE connected\"");
    AUTO(text_free) char *list = in_shell(&lab, "$AMTCTL service-point list | grep -c service-point-1");
    AUTO(text_free)
    char *root = in_shell(&lab, "openssl x509 -in $AMT_PROVISIONING_ROOT_PEM -noout -subject");
    AUTO(text_free) char *issuer = in_shell(&lab, "openssl x509 -in $AMT_ISSUER_PEM -noout -subject");
    AUTO(text_free)
    char *agents = in_shell(&lab, "test ${#AMT_SITE_PUBLIC_KEY} = 40 && echo $AMT_AGENTS_ENDPOINT");

    assert_int_equal(strncmp(agents, "tcp://127.", 10), 0);
    assert_int_equal(strncmp(address, "127.0.0.1:", 10), 0);
    assert_non_null(strchr(suffix, '.'));
    assert_string_equal(points, "1");
    assert_string_equal(list, "1");
    assert_non_null(strstr(root, "Root"));
    assert_true(strlen(issuer) > 8);
    lab_end(&lab);
}

/* An agent that is pointed at the lab is heard: without a token it is told so. */
static void an_agent_finds_the_lab_by_its_configuration(void **state)
{
    struct lab lab = { 0 };

    (void)state;
    lab_begin(&lab, "agent");
    lab_start(&lab);
    AUTO(text_free)
    char *refused = in_shell(&lab, "cd \"$(dirname \"$AMT_CLIENT_AGENT_CONF\")\";"
                                   " echo 7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b7a90 >uuid;"
                                   " $AMT_CLIENT_AGENT provision --config $AMT_CLIENT_AGENT_CONF"
                                   " --set queue.key_file=agent.key --set token.file=none"
                                   " --set device.paths=no-device --set host.uuid_file=uuid 2>&1"
                                   " | grep -c 'the site refuses: .*token'");

    assert_string_equal(refused, "1");
    lab_end(&lab);
}

/* What a newcomer tries first. */
static void a_daemon_that_was_killed_comes_back(void **state)
{
    struct lab lab = { 0 };
    struct error err = { 0 };

    (void)state;
    lab_begin(&lab, "killed");
    lab_start(&lab);
    for (size_t i = 0; i < 2; i++) {
        static const char *const programs[] = { "amt-service-poin[t]",
                                                "amt-site-serve[r]" }; /* not the shell */
        AUTO(text_free)
        char *kill_it = text_format("kill -KILL $(LC_ALL=C grep -lsa '%s.--config.%s/' /proc/[0-9]*/cmdline"
                                    " | cut -d/ -f3) && echo killed",
                                    programs[i], lab.directory);
        AUTO(text_free) char *killed = in_shell(&lab, kill_it);

        assert_string_equal(killed, "killed");
        must(process_wait_line(lab.process, "is started again", LAB_TIMEOUT_MS, &err));
        must(process_wait_line(lab.process, "is back", LAB_TIMEOUT_MS, &err));
    }
    AUTO(text_free)
    char *health =
        in_shell(&lab, "until $AMTCTL health >/dev/null 2>&1; do sleep 1; done; $AMTCTL health | tail -1");
    assert_string_equal(health, "all is well");
    lab_end(&lab);
}

static void an_interrupt_ends_everything_the_lab_started(void **state)
{
    struct lab lab = { 0 };
    struct error err = { 0 };
    int status = -1;
    pid_t database;

    (void)state;
    lab_begin(&lab, "interrupted");
    lab_start(&lab);
    database = database_of(&lab);
    assert_int_equal(kill(database, 0), 0);
    process_signal(lab.process, SIGINT);
    must(process_wait_end(lab.process, LAB_TIMEOUT_MS, &status, &err));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(kill(database, 0), -1);
    assert_int_equal(errno, ESRCH);
    lab_end(&lab);
}

static void two_labs_run_beside_each_other(void **state)
{
    struct lab one = { 0 }, other = { 0 };

    (void)state;
    setenv("LAB_SERVICE_POINTS", "2", 1);
    lab_begin(&one, "one");
    lab_start(&one);
    unsetenv("LAB_SERVICE_POINTS");
    lab_begin(&other, "other");
    lab_start(&other);
    AUTO(text_free) char *address_one = in_shell(&one, "echo $AMT_HELLO_ADDRESS");
    AUTO(text_free) char *address_other = in_shell(&other, "echo $AMT_HELLO_ADDRESS");
    AUTO(text_free) char *points = in_shell(&one, "echo $AMT_HELLO_ADDRESSES | tr , '\\n' | wc -l");

    assert_string_not_equal(address_one, address_other);
    assert_string_equal(points, "2");
    lab_end(&one);
    lab_end(&other);
}

static void a_lab_with_a_directory_has_users_who_log_in_to_it(void **state)
{
    struct lab lab = { 0 };

    (void)state;
    setenv("LAB_DIRECTORY", "1", 1);
    lab_begin(&lab, "directory");
    lab_start(&lab);
    unsetenv("LAB_DIRECTORY");
    AUTO(text_free)
    char *ticket = in_shell(&lab, "export KRB5_CONFIG; echo $AMT_DOMAIN_PASSWORD | kinit -c $LAB_DIR/tickets "
                                  "$AMT_DOMAIN_MEMBER >&2 && klist -c $LAB_DIR/tickets | grep -c krbtgt");
    AUTO(text_free)
    char *sid =
        in_shell(&lab, "psql -X -A -t -d $AMT_DATABASE_URL -c \"SELECT count(*) FROM amt.profile_user "
                       "WHERE profile = 'default' AND name LIKE 'SITE%Operators'\"");

    assert_string_equal(ticket, "1");
    assert_string_equal(sid, "1");
    lab_end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_variables_work_as_they_stand),
        cmocka_unit_test(an_agent_finds_the_lab_by_its_configuration),
        cmocka_unit_test(a_daemon_that_was_killed_comes_back),
        cmocka_unit_test(an_interrupt_ends_everything_the_lab_started),
        cmocka_unit_test(two_labs_run_beside_each_other),
        cmocka_unit_test(a_lab_with_a_directory_has_users_who_log_in_to_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
