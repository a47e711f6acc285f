/*
 * packages_test.c - the Debian packages: what is in them, that it runs from where it is unpacked, and what
 * systemd and mandoc say of units and manual pages.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/version.h"
#include "support/process.h"
#include "support/workplace.h"
#include "tests/unit/unit_test.h"

#define EXPOSURE_MOST "20" /* tenths: systemd-analyze calls 2.0 "OK", of what remains most is the network */

enum { COMMAND_TIMEOUT_MS = 60000 };

static const char *const packages[] = { "amt-site-server", "amt-service-point", "amt-client-agent" };

static char output[4096]; /* the build's directory */
static char *root;        /* where the packages are unpacked */

/* Runs it and expects this exit status; the caller frees what it printed, errors behind the rest. */
static char *run(int exit_status, const char *const *argv)
{
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct error err = { 0 };
    char *printed;

    if (!command_run(&result, NULL, COMMAND_TIMEOUT_MS, argv, &err))
        fail_msg("%s: %s", argv[0], err.message);
    printed = text_format("%s%s", result.output, result.errors);
    if (result.exit_status != exit_status)
        fail_msg("%s %s: exit status %d: %s", argv[0], argv[1], result.exit_status, printed);
    return printed;
}

static char *shell(const char *command)
{
    return run(0, (const char *[]){ "/bin/sh", "-euc", command, output, NULL });
}

static char *package_path(const char *package)
{
    AUTO(text_free)
    char *architecture = run(0, (const char *[]){ "/usr/bin/dpkg", "--print-architecture", NULL });

    architecture[strcspn(architecture, "\n")] = '\0';
    return text_format("%s/packages/%s_%s_%s.deb", output, package, PRODUCT_VERSION, architecture);
}

static void each_package_has_its_program_unit_user_manual_and_sample(void **state)
{
    static const struct {
        const char *package, *files[9];
    } cases[] = {
        { "amt-site-server",
          { "/usr/sbin/amt-site-server", "/usr/bin/amtctl", "/usr/lib/systemd/system/amt-site-server.service",
            "/usr/lib/sysusers.d/amt-site-server.conf", "/etc/amt-site-server/site-server.conf.sample",
            "/usr/share/man/man8/amt-site-server.8.gz", "/usr/share/man/man1/amtctl.1.gz",
            "/usr/share/amt-site-server/amt-provisioning.rules.yml", NULL } },
        { "amt-service-point",
          { "/usr/sbin/amt-service-point", "/usr/lib/systemd/system/amt-service-point.service",
            "/usr/lib/sysusers.d/amt-service-point.conf", "/etc/amt-service-point/service-point.conf.sample",
            "/usr/share/man/man8/amt-service-point.8.gz", NULL } },
        { "amt-client-agent",
          { "/usr/sbin/amt-client-agent", "/usr/lib/systemd/system/amt-client-agent.service",
            "/usr/lib/systemd/system/amt-client-agent.timer", "/usr/lib/sysusers.d/amt-client-agent.conf",
            "/usr/lib/udev/rules.d/60-amt-client-agent.rules", "/usr/lib/tmpfiles.d/amt-client-agent.conf",
            "/usr/share/man/man8/amt-client-agent.8.gz", NULL } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(text_free) char *path = package_path(cases[i].package);
        AUTO(text_free)
        char *contents = run(0, (const char *[]){ "/usr/bin/dpkg-deb", "--contents", path, NULL });

        for (size_t k = 0; cases[i].files[k]; k++) {
            AUTO(text_free) char *line = text_format(" .%s\n", cases[i].files[k]);

            if (!strstr(contents, line))
                fail_msg("%s lacks %s", path, cases[i].files[k]);
        }
    }
}

/* The libraries that a program is linked with, by the packages that hold them; the agent needs no web server.
 */
static void each_package_depends_on_what_its_programs_are_linked_with(void **state)
{
    AUTO(text_free) char *server = package_path("amt-site-server");
    AUTO(text_free) char *agent = package_path("amt-client-agent");
    AUTO(text_free)
    char *needed = run(0, (const char *[]){ "/usr/bin/dpkg-deb", "--field", server, "Depends", NULL });
    AUTO(text_free)
    char *few = run(0, (const char *[]){ "/usr/bin/dpkg-deb", "--field", agent, "Depends", NULL });

    (void)state;
    assert_non_null(strstr(needed, "libpq5"));
    assert_non_null(strstr(needed, "libzmq5"));
    assert_non_null(strstr(needed, "libldap"));
    assert_non_null(strstr(few, "libzmq5"));
    assert_null(strstr(few, "libmicrohttpd"));
    assert_null(strstr(few, "libpq5"));
}

static void what_is_unpacked_runs_and_knows_its_configuration(void **state)
{
    static const struct {
        const char *program, *sample, *setting;
    } cases[] = {
        { "amt-site-server", "etc/amt-site-server/site-server.conf.sample", "site.name=packages" },
        { "amt-service-point", "etc/amt-service-point/service-point.conf.sample",
          "site.public_key=0000000000000000000000000000000000000000" },
        { "amt-client-agent", "etc/amt-client-agent/client-agent.conf.sample",
          "site.public_key=0000000000000000000000000000000000000000" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(text_free) char *program = text_format("%s/usr/sbin/%s", root, cases[i].program);
        AUTO(text_free) char *sample = text_format("%s/%s", root, cases[i].sample);
        AUTO(text_free) char *printed = run(0, (const char *[]){ program, "--version", NULL });
        AUTO(text_free) char *version = text_format("%s " PRODUCT_VERSION "\n", cases[i].program);
        AUTO(text_free)
        char *shown = run(0, (const char *[]){ program, "--config", sample, "--set", cases[i].setting,
                                               "--show-config", NULL });

        assert_string_equal(printed, version);
        assert_non_null(strstr(shown, "log.level = info"));
    }
}

static void the_users_that_units_name_are_made(void **state)
{
    AUTO(text_free) char *option = text_format("--root=%s", root);
    AUTO(text_free) char *made = run(0, (const char *[]){ "/usr/bin/systemd-sysusers", option, NULL });
    AUTO(text_free)
    char *command =
        text_format("sed -n 's/^User=//p' %s/usr/lib/systemd/system/amt-*.service | while read -r user; do "
                    "grep -q \"^$user:\" %s/etc/passwd || { echo \"no user $user\"; exit 1; }; done",
                    root, root);
    AUTO(text_free) char *checked = shell(command);

    (void)state;
    assert_string_equal(checked, "");
}

/* With the system's own units beside ours, so that what they refer to is there. */
static void systemd_finds_nothing_wrong_with_the_units_and_little_exposed(void **state)
{
    AUTO(text_free)
    char *copy = text_format("cp -rn /usr/lib/systemd/system %s/usr/lib/systemd/", root);
    AUTO(text_free) char *copied = shell(copy);
    AUTO(text_free)
    char *verify = text_format(
        "systemd-analyze --root=%s --man=no verify $(ls %s/usr/lib/systemd/system/amt-* | xargs -n1 basename)"
        " 2>&1 | grep '^amt-' || true",
        root, root);
    AUTO(text_free) char *wrong = shell(verify);

    (void)state;
    assert_string_equal(wrong, "");
    for (size_t i = 0; i < COUNT_OF(packages); i++) {
        AUTO(text_free) char *unit = text_format("%s/usr/lib/systemd/system/%s.service", root, packages[i]);
        AUTO(text_free)
        char *exposure = run(0, (const char *[]){ "/usr/bin/systemd-analyze", "security", "--offline=true",
                                                  "--threshold=" EXPOSURE_MOST, unit, NULL });

        assert_non_null(strstr(exposure, "Overall exposure level"));
    }
}

static void the_manual_pages_are_sound_and_tell_every_key_and_command(void **state)
{
    AUTO(text_free)
    char *lint = text_format(
        "for page in %s/usr/share/man/man?/*.gz; do zcat \"$page\" | mandoc -T lint -W warning; done", root);
    AUTO(text_free) char *linted = shell(lint);
    AUTO(text_free)
    char *keys = text_format(
        "for program in amt-site-server amt-service-point amt-client-agent; do"
        " zcat %s/usr/share/man/man8/$program.8.gz | mandoc -T ascii | col -b >%s/$program.text;"
        " %s/usr/sbin/$program --sample-config | sed -n 's/^#\\([a-z._0-9]*\\) = .*/\\1/p' | while read -r "
        "key; do"
        " grep -q \"^ *$key\" %s/$program.text || { echo \"$program: no $key\"; exit 1; }; done; done",
        root, root, root, root);
    AUTO(text_free) char *keys_missing = shell(keys);
    AUTO(text_free)
    char *commands =
        text_format("zcat %s/usr/share/man/man1/amtctl.1.gz | grep -c '^\\.Ss '; %s/usr/bin/amtctl --help |"
                    " sed -n '/^COMMANDS/,/^OPTIONS/p' | grep -c '^    '",
                    root, root);
    AUTO(text_free) char *counts = shell(commands);
    char *second = strchr(counts, '\n') + 1;

    (void)state;
    assert_string_equal(linted, "");
    assert_string_equal(keys_missing, "");
    assert_true(atoi(counts) > 40);
    assert_int_equal(atoi(counts), atoi(second));
}

static int unpack(void **state)
{
    AUTO(text_free) char *server = package_path(packages[0]);
    AUTO(text_free) char *point = package_path(packages[1]);
    AUTO(text_free) char *agent = package_path(packages[2]);
    AUTO(text_free) char *option = NULL;
    AUTO(text_free) char *made = NULL;
    AUTO(text_free) char *prepare = NULL;
    AUTO(text_free) char *unpacked = NULL;

    (void)state;
    root = text_format("%s/packages-root", output);
    option = text_format("--root=%s", root);
    prepare =
        text_format("rm -rf %s && mkdir -p %s/var/lib/dpkg && : >%s/var/lib/dpkg/status", root, root, root);
    made = shell(prepare);
    unpacked = run(0, (const char *[]){ "/usr/bin/fakeroot", "/usr/bin/dpkg", option, "--force-depends",
                                        "--force-not-root", "--unpack", server, point, agent, NULL });
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    directory_remove(root);
    text_free(&root);
    return 0;
}

/* We are OUTPUT/tests/scenarios/packages_test. */
static bool find_output(void)
{
    ssize_t length = readlink("/proc/self/exe", output, sizeof(output) - 1);
    char *tests;

    output[length > 0 ? length : 0] = '\0';
    tests = strstr(output, "/tests/scenarios/");
    if (tests)
        *tests = '\0';
    return tests;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_package_has_its_program_unit_user_manual_and_sample),
        cmocka_unit_test(each_package_depends_on_what_its_programs_are_linked_with),
        cmocka_unit_test(what_is_unpacked_runs_and_knows_its_configuration),
        cmocka_unit_test(the_users_that_units_name_are_made),
        cmocka_unit_test(systemd_finds_nothing_wrong_with_the_units_and_little_exposed),
        cmocka_unit_test(the_manual_pages_are_sound_and_tell_every_key_and_command),
    };

    return find_output() ? cmocka_run_group_tests(tests, unpack, remove_root) : EXIT_FAILURE;
}
