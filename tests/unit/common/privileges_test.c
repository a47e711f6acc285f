/* Daemons start as root only to open ports and read keys (design 3). */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/privileges.h"
#include "tests/unit/unit_test.h"

/* Dropping is for good, so each case has a process of its own; returns its exit status. */
static int in_child(int (*run)(void))
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(run());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int become_nobody(void)
{
    const struct passwd *nobody = getpwnam("nobody");
    struct error err;

    if (!nobody || !privileges_drop("nobody", &err))
        return 1;
    if (getuid() != nobody->pw_uid || geteuid() != nobody->pw_uid || getgid() != nobody->pw_gid)
        return 2;
    if (setuid(0) == 0 || seteuid(0) == 0)
        return 3;
    return access("/etc/shadow", R_OK) == 0 ? 4 : 0;
}

static void root_becomes_somebody_else_for_good(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_child(become_nobody), 0);
}

static int become_root_from_nobody(void)
{
    struct error err;

    return privileges_drop("nobody", &err) && !privileges_drop("root", &err) && strstr(err.message, "root")
               ? 0
               : 1;
}

static void nobody_does_not_become_root(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_child(become_root_from_nobody), 0);
}

static int stay(void)
{
    uid_t before = geteuid();
    struct error err;

    return privileges_drop("", &err) && privileges_drop(NULL, &err) && geteuid() == before ? 0 : 1;
}

static void without_a_user_the_process_stays_who_it_is(void **state)
{
    (void)state;
    assert_int_equal(in_child(stay), 0);
}

static void a_user_that_does_not_exist_is_refused_by_name(void **state)
{
    struct error err = { 0 };

    (void)state;
    assert_false(privileges_drop("no-such-user-here", &err));
    assert_int_equal(err.code, ERROR_INPUT);
    assert_non_null(strstr(err.message, "no-such-user-here"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_becomes_somebody_else_for_good),
        cmocka_unit_test(nobody_does_not_become_root),
        cmocka_unit_test(without_a_user_the_process_stays_who_it_is),
        cmocka_unit_test(a_user_that_does_not_exist_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
