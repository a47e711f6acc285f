#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define ENTRY_SIZE 16384

static bool find_user(const char *name, struct passwd *user, char *entry, struct error *err)
{
    struct passwd *found = NULL;
    int failed = getpwnam_r(name, user, entry, ENTRY_SIZE, &found);

    if (found)
        return true;
    return error_set(err, ERROR_INPUT, "process.user: %s: %s", name,
                     failed ? strerror(failed) : "no such user; make it with 'adduser --system'");
}

static bool become(const struct passwd *user, struct error *err)
{
    if (initgroups(user->pw_name, user->pw_gid) != 0 ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
        return error_set(err, ERROR_INTERNAL, "process.user: cannot become %s: %s", user->pw_name,
                         strerror(errno));
    if (user->pw_uid != 0 && setuid(0) == 0)
        return error_set(err, ERROR_INTERNAL, "process.user: %s could become root again", user->pw_name);
    return true;
}

bool privileges_drop(const char *name, struct error *err)
{
    char entry[ENTRY_SIZE];
    struct passwd user;

    if (name && *name) {
        if (!find_user(name, &user, entry, err))
            return false;
        if (geteuid() != user.pw_uid && geteuid() != 0)
            return error_set(err, ERROR_INPUT,
                             "process.user: only root can become %s; start as root or as %s", name, name);
        if (geteuid() != user.pw_uid && !become(&user, err))
            return false;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set(err, ERROR_INTERNAL, "cannot give up new privileges: %s", strerror(errno));
    prctl(PR_SET_DUMPABLE, 0); /* the change of user set it to fs.suid_dumpable */
    return true;
}
