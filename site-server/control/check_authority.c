#include <inttypes.h>
#include <string.h>

#include "check.h"

static void check_lists(struct check *check)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!check_rows(check, CONTROL_STATEMENT_CHECK_LISTS, "revocation list", &rows))
        return;
    for (size_t i = 0; i < rows_count(rows); i++) {
        const char *subject = row_text(rows, i, "subject");

        if (row_is_null(rows, i, "number"))
            check_find(check, LEVEL_WARNING, "revocation list",
                       "start the site server; its log says what keeps it", "%s has none yet", subject);
        else if (row_number(rows, i, "seconds_left") <= 0)
            check_find(check, LEVEL_PROBLEM, "revocation list",
                       "start the site server; its log says what keeps it",
                       "that of %s has ended: who checks it trusts no computer now", subject);
        else
            check_find(check, LEVEL_OK, "revocation list", "",
                       "number %s of %s is good for %" PRId64 " hours", row_text(rows, i, "number"), subject,
                       row_number(rows, i, "seconds_left") / 3600);
    }
}

static void check_issuing(struct check *check)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!check_rows(check, CONTROL_STATEMENT_CHECK_ISSUING, "authority", &rows))
        return;
    if (row_number(rows, 0, "waiting"))
        check_find(check, LEVEL_WARNING, "authority",
                   "approve them at the authority; see amt.certificate_request",
                   "certificates that wait for its decision: %" PRId64, row_number(rows, 0, "waiting"));
    if (row_number(rows, 0, "refused"))
        check_find(check, LEVEL_WARNING, "authority", "see amt.certificate_request",
                   "requests refused within a day: %" PRId64 ", the last one: %.200s",
                   row_number(rows, 0, "refused"), row_text(rows, 0, "refusal"));
    if (row_number(rows, 0, "unpublished"))
        check_find(check, LEVEL_WARNING, "revocation",
                   "see amt.revocation; the authority that issued them must be set in the site server's "
                   "configuration",
                   "revocations that are not published: %" PRId64 "%s%.200s",
                   row_number(rows, 0, "unpublished"),
                   row_is_null(rows, 0, "unpublished_why") ? "" : ", because ",
                   row_is_null(rows, 0, "unpublished_why") ? "" : row_text(rows, 0, "unpublished_why"));
}

void check_authorities(struct check *check)
{
    AUTO(rows_free) struct rows *rows = NULL;
    bool elsewhere;

    if (!check_rows(check, CONTROL_STATEMENT_AUTHORITY_LIST, "authority", &rows))
        return;
    if (rows_count(rows) == 0 || strcmp(row_text(rows, 0, "state"), "active") != 0) {
        check_find(check, LEVEL_PROBLEM, "authority", "run 'amtctl ca init'",
                   "there is none, so computers can get no certificates");
        return;
    }
    elsewhere = strcmp(row_text(rows, 0, "kind"), "cmp") == 0;
    check_expiry(check, "authority",
                 elsewhere
                     ? "put its next certificate first into cmp.authority_file and restart the site server"
                     : "make a new one with 'amtctl ca init --replace'",
                 row_text(rows, 0, "subject"), row_number(rows, 0, "seconds_left"));
    check_lists(check);
    check_issuing(check);
}
