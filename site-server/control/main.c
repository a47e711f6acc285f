/*
 * amtctl - the command line of the provisioning system (spec 10).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "common/secret.h"
#include "common/version.h"
#include "session.h"

#define EXIT_USAGE 2

static bool run(const struct invocation *invocation, struct error *err)
{
    struct session session;
    bool done;

    session_begin(&session, invocation);
    done = (!invocation->command->role || session_open(&session, invocation->command->role, err)) &&
           invocation->command->run(&session, invocation, err);
    session_end(&session);
    if (done && fflush(stdout) != 0)
        return error_set(err, ERROR_INTERNAL, "cannot write the output; what the command does was done");
    return done;
}

int main(int argc, char **argv)
{
    struct invocation invocation;
    struct error err = { 0 };

    secret_protect_process();
    switch (invocation_parse(argc, argv, &invocation, &err)) {
    case PARSED_HELP:
        help_print(&invocation, stdout);
        return EXIT_SUCCESS;
    case PARSED_VERSION:
        puts("amtctl " PRODUCT_VERSION);
        return EXIT_SUCCESS;
    case PARSED_WRONG:
        fprintf(stderr, "amtctl: %s\n", err.message);
        return EXIT_USAGE;
    case PARSED_COMMAND:
        break;
    }
    if (run(&invocation, &err))
        return EXIT_SUCCESS;
    if (*err.message)
        fprintf(stderr, "amtctl: %s\n", err.message);
    return EXIT_FAILURE;
}
