/*
 * auditor - looks a site over after whatever happened to it: does the password in escrow open every device,
 * is the MEBx password known, does each have one certificate and the one that the database calls active, is
 * anything pending or orphaned, can the job histories have happened?
 *
 * It reads the database as a reader, passwords through `amtctl secret show`, the firmware over the network.
 * Firmware tells its MEBx password to nobody; simulated firmware tells it on its control socket.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/device.h"
#include "support/simulator.h"

enum { COMMAND_TIMEOUT_MS = 60000 };

struct options {
    const char *database, *operator_database, *amtctl, *key_file, *issuer;
    const char *console;   /* for computers in mutual TLS; NULL: there are none */
    const char *simulator; /* control socket; NULL: real firmware */
};

struct audit {
    struct options options;
    struct sql *sql;
    struct device_auditor *devices;
    struct simulator *simulator;
    struct audited_list computers;
    struct findings findings;
};

static const char usage[] = "auditor --database URL --operator URL --amtctl PROGRAM --key-file FILE --issuer "
                            "PEM [--console PEM] [--simulator SOCKET]";

static bool read_options(struct options *options, int argc, char **argv, struct error *err)
{
    static const struct option known[] = {
        { "database", required_argument, NULL, 'd' },  { "operator", required_argument, NULL, 'o' },
        { "amtctl", required_argument, NULL, 'a' },    { "key-file", required_argument, NULL, 'k' },
        { "issuer", required_argument, NULL, 'i' },    { "console", required_argument, NULL, 'c' },
        { "simulator", required_argument, NULL, 's' }, { 0 },
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        const char **place = option == 'd'   ? &options->database
                             : option == 'o' ? &options->operator_database
                             : option == 'a' ? &options->amtctl
                             : option == 'k' ? &options->key_file
                             : option == 'i' ? &options->issuer
                             : option == 'c' ? &options->console
                             : option == 's' ? &options->simulator
                                             : NULL;

        if (!place)
            return error_set(err, ERROR_INPUT, "usage: %s", usage);
        *place = optarg;
    }
    return (options->database && options->operator_database && options->amtctl && options->key_file &&
            options->issuer && optind == argc) ||
           error_set(err, ERROR_INPUT, "usage: %s", usage);
}

static bool audit_open(struct audit *audit, struct error *err)
{
    return sql_open(&audit->sql, audit->options.database, err) &&
           device_auditor_open(&audit->devices, audit->options.issuer, audit->options.console, err) &&
           (!audit->options.simulator || simulator_join(&audit->simulator, audit->options.simulator, err)) &&
           records_list(audit->sql, &audit->computers, err) &&
           records_audit(audit->sql, &audit->findings, err);
}

static void audit_close(struct audit *audit)
{
    findings_clear(&audit->findings);
    audited_list_clear(&audit->computers);
    simulator_stop(&audit->simulator);
    device_auditor_close(&audit->devices);
    sql_close(&audit->sql);
}

/* NULL, and a finding, when there is none. */
static char *password_of(struct audit *audit, const struct audited *computer, const char *kind)
{
    const struct options *options = &audit->options;
    const char *argv[] = { options->amtctl,
                           "--database",
                           options->operator_database,
                           "--key-file",
                           options->key_file,
                           "secret",
                           "show",
                           computer->uuid,
                           kind,
                           NULL };
    AUTO(command_result_clear) struct command_result result = { 0 };
    struct error err = { 0 };
    char *password;

    if (!command_run(&result, NULL, COMMAND_TIMEOUT_MS, argv, &err) || result.exit_status != 0) {
        finding_add(&audit->findings, computer->uuid, "the %s password cannot be read: %s", kind,
                    result.errors && *result.errors ? result.errors : err.message);
        return NULL;
    }
    password = TAKE(result.output);
    password[strcspn(password, "\n")] = '\0';
    return password;
}

static void audit_mebx(struct audit *audit, const struct audited *computer)
{
    AUTO(json_close) json_object *state = NULL;
    AUTO(text_free) char *password = NULL;
    struct error err = { 0 };

    if (strcmp(computer->mebx_policy, "leave") == 0)
        return;
    if (audit->simulator && !simulator_state(audit->simulator, computer->uuid, &state, &err)) {
        finding_add(&audit->findings, computer->uuid, "%s", err.message);
        return;
    }
    if (state && json_true_at(state, "mebx_is_default"))
        return; /* refused by the firmware: what everybody knows opens it */
    password = password_of(audit, computer, "mebx");
    if (password && state && strcmp(json_text_at(state, "mebx_password"), password) != 0)
        finding_add(&audit->findings, computer->uuid, "the MEBx password in escrow is not the firmware's");
}

static void audit_computer(struct audit *audit, const struct audited *computer)
{
    AUTO(text_free) char *password = password_of(audit, computer, "admin");

    if (password)
        device_audit(audit->devices, computer, password, &audit->findings);
    audit_mebx(audit, computer);
}

static size_t report(const struct audit *audit)
{
    size_t failed = 0;

    for (size_t i = 0; i < audit->findings.count; i++)
        printf("FAILED %s %s\n", audit->findings.items[i].uuid, audit->findings.items[i].sentence);
    for (size_t i = 0; i < audit->computers.count; i++)
        failed += findings_of(&audit->findings, audit->computers.items[i].uuid) > 0;
    printf("%zu passed, %zu failed\n", audit->computers.count - failed, failed);
    return failed;
}

int main(int argc, char **argv)
{
    AUTO(audit_close) struct audit audit = { 0 };
    struct error err = { 0 };

    interrupts_catch();
    if (!read_options(&audit.options, argc, argv, &err) || !audit_open(&audit, &err)) {
        fprintf(stderr, "auditor: %s\n", err.message);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < audit.computers.count && !interrupted(); i++)
        audit_computer(&audit, &audit.computers.items[i]);
    return report(&audit) == 0 && audit.computers.count > 0 && !interrupted() ? EXIT_SUCCESS : EXIT_FAILURE;
}
