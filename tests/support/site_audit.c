#include "support/site_audit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { AUDIT_TIMEOUT_MS = 1800000 };

/* Of the authority that issues now; a new one each time. */
static bool issue_console(struct site *site, char **path, struct error *err)
{
    *path = site_path(site, "auditor.pem");
    return (remove(*path) == 0 || errno == ENOENT) &&
           site_amtctl(site, NULL, err, "ca", "issue-console", "auditor", *path, NULL);
}

bool site_audit(struct site *site, char **report, struct error *err)
{
    AUTO(text_free) char *auditor = site_program(site, "tests/auditor");
    AUTO(text_free) char *amtctl = site_program(site, "site-server/amtctl");
    AUTO(text_free) char *reader = site_url(site, "reader");
    AUTO(text_free) char *control = site_path(site, "simulator.socket");
    AUTO(command_result_clear) struct command_result result = { 0 };
    AUTO(text_free) char *console = NULL;
    const char *argv[] = { auditor,      "--database",       reader,
                           "--operator", site->operator_url, "--amtctl",
                           amtctl,       "--key-file",       site->secret_key_path,
                           "--issuer",   site->issuer_path,  "--simulator",
                           control,      "--console",        NULL,
                           NULL };

    if (!issue_console(site, &console, err))
        return false;
    argv[COUNT_OF(argv) - 2] = console;
    if (!command_run(&result, NULL, AUDIT_TIMEOUT_MS, argv, err))
        return false;
    if (!strstr(result.output, " passed, "))
        return error_set(err, ERROR_INTERNAL, "the auditor gave up: %s", result.errors);
    *report = TAKE(result.output);
    return true;
}
