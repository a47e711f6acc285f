#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "common/clock.h"
#include "common/encoding.h"
#include "common/provisioning_chain.h"

#define SUBJECT     "provisioning certificate"
#define ENDS_DAYS   90     /* computers that lose their last root within so many days are warned about */
#define STRICT_FROM "16.0" /* firmware that takes neither small keys nor SHA-1 (preflight.h) */

struct domains { /* of the computers */
    struct rows *rows;
    bool *matched;
};

static void domains_clear(struct domains *domains)
{
    rows_free(&domains->rows);
    free(domains->matched);
}

static bool read_chain(struct rows *rows, size_t row, struct provisioning_chain *chain, struct error *err)
{
    size_t count = row_text_count(rows, row, "chain");
    struct bytes *certificates = allocate(count * sizeof(*certificates));
    bool read = true;

    for (size_t i = 0; i < count && read; i++)
        read = base64_decode(row_text_element(rows, row, "chain", i), &certificates[i]) ||
               error_set(err, ERROR_INTERNAL, "certificate %zu of the chain cannot be read", i + 1);
    read = read && provisioning_chain_read(certificates, count, chain, err);
    for (size_t i = 0; i < count; i++)
        bytes_free(&certificates[i]);
    free(certificates);
    return read;
}

static void check_suffixes(struct check *check, const char *name, const struct provisioning_chain *chain,
                           struct domains *domains)
{
    AUTO(text_free) char *matched = text_copy("");
    struct error ignored;

    for (size_t i = 0; i < rows_count(domains->rows); i++) {
        const char *domain = row_text(domains->rows, i, "domain");
        AUTO(text_free) char *before = NULL;

        if (!preflight_check(&chain->facts, domain, (struct firmware_release){ 0, 0 }, clock_wall_ms() / 1000,
                             &ignored))
            continue;
        domains->matched[i] = true;
        before = TAKE(matched);
        matched = text_format("%s%s%s (%" PRId64 ")", before, *before ? ", " : "", domain,
                              row_number(domains->rows, i, "computers"));
    }
    if (*matched)
        check_find(check, LEVEL_OK, SUBJECT, "", "%s matches the DNS suffixes (computers): %s", name,
                   matched);
    else
        check_find(check, LEVEL_WARNING, SUBJECT,
                   "use it where its domain is the computers', or order another",
                   "%s stands for the domain %s, which is that of no imported computer", name,
                   preflight_domain(chain->common_name, (struct firmware_release){ 0, 0 }));
}

static void check_chain(struct check *check, const char *name, struct rows *rows, size_t row,
                        struct domains *domains)
{
    AUTO(provisioning_chain_clear) struct provisioning_chain chain = { 0 };
    int64_t now_s = clock_wall_ms() / 1000;
    struct error err;

    if (row_text_count(rows, row, "chain") == 0) {
        check_find(check, LEVEL_WARNING, SUBJECT,
                   "upgrade that service point, or look at the file with --certificate",
                   "%s: the service point does not tell its chain", name);
        return;
    }
    if (!read_chain(rows, row, &chain, &err) ||
        !preflight_check(&chain.facts, NULL, (struct firmware_release){ 0, 0 }, now_s, &err)) {
        check_find(check, LEVEL_PROBLEM, SUBJECT,
                   "mend the file in provisioning.certificates, then restart the service point", "%s: %s",
                   name, err.message);
        return;
    }
    check_find(
        check, LEVEL_OK, SUBJECT, "",
        "%s: the chain of %zu is complete and in order, for AMT setup, with RSA keys of %u bits and more",
        name, chain.facts.chain_length, chain.facts.rsa_bits_smallest);
    if (!preflight_check(&chain.facts, NULL, firmware_release_parse(STRICT_FROM), now_s, &err))
        check_find(check, LEVEL_WARNING, SUBJECT, "renew it, unless all computers are older", "%s: %s", name,
                   err.message);
    check_suffixes(check, name, &chain, domains);
}

static void check_unmatched(struct check *check, const struct domains *domains)
{
    for (size_t i = 0; i < rows_count(domains->rows); i++) {
        if (!domains->matched[i])
            check_find(check, LEVEL_WARNING, SUBJECT,
                       "use a certificate for that domain, or set the PKI DNS suffix in their MEBx",
                       "none matches %s; computers in that domain: %" PRId64,
                       row_text(domains->rows, i, "domain"), row_number(domains->rows, i, "computers"));
    }
}

static void check_roots(struct check *check)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct error err;

    parameters_number(parameters, ENDS_DAYS);
    if (!database_run(check->session->database, CONTROL_STATEMENT_CHECK_ROOTS, parameters, &rows, &err)) {
        check_find(check, LEVEL_PROBLEM, "roots", "see the database's log", "%s", err.message);
        return;
    }
    if (row_number(rows, 0, "trust_none"))
        check_find(check, LEVEL_WARNING, "roots",
                   "see 'amtctl root coverage'; use a certificate under one of their roots",
                   "computers that trust none of our provisioning roots: %" PRId64,
                   row_number(rows, 0, "trust_none"));
    if (row_number(rows, 0, "stranded"))
        check_find(
            check, LEVEL_WARNING, "roots", "renew the provisioning certificates; see 'amtctl root coverage'",
            "computers that cannot be provisioned any more within %d days, the first from %s: %" PRId64,
            ENDS_DAYS, row_text(rows, 0, "first_end"), row_number(rows, 0, "stranded"));
}

void check_provisioning(struct check *check)
{
    AUTO(rows_free) struct rows *rows = NULL;
    AUTO(domains_clear) struct domains domains = { 0 };

    if (!check_rows(check, CONTROL_STATEMENT_CHECK_CERTIFICATES, SUBJECT, &rows) ||
        !check_rows(check, CONTROL_STATEMENT_CHECK_DOMAINS, SUBJECT, &domains.rows))
        return;
    domains.matched = allocate((rows_count(domains.rows) + 1) * sizeof(*domains.matched));
    for (size_t i = 0; i < rows_count(rows); i++) {
        AUTO(text_free)
        char *name = text_format("%s of service point %s, root %s,", row_text(rows, i, "subject"),
                                 row_text(rows, i, "service_point"), row_text(rows, i, "root_subject"));

        if (row_is_null(rows, i, "seconds_left"))
            check_find(check, LEVEL_WARNING, SUBJECT, "look at it with --certificate FILE",
                       "%s does not say how long it is valid", name);
        else
            check_expiry(check, SUBJECT, "renew it and restart the service point", name,
                         row_number(rows, i, "seconds_left"));
        name[strlen(name) - 1] = '\0'; /* the comma */
        check_chain(check, name, rows, i, &domains);
    }
    if (rows_count(rows) == 0) {
        check_find(check, LEVEL_WARNING, SUBJECT,
                   "set provisioning.certificates at a service point, or give the file with --certificate",
                   "no service point has told of one");
        return;
    }
    check_unmatched(check, &domains);
    check_roots(check);
}
