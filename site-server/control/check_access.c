#include "check.h"

void check_access(struct check *check)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!check_rows(check, CONTROL_STATEMENT_CHECK_ACCESS, "access", &rows))
        return;
    for (size_t i = 0; i < rows_count(rows); i++) {
        const char *login = row_text(rows, i, "login");
        bool server = row_bool(rows, i, "is_server");

        if (server)
            check_find(check, LEVEL_OK, "access", "",
                       "\"%s\" is a site server: it reads and writes everything", login);
        else if (row_bool(rows, i, "reads_tables"))
            check_find(
                check, LEVEL_PROBLEM, "access",
                "REVOKE what it has on schema amt_store; the views of schema amt are for everybody else",
                "\"%s\" is no site server and reads tables of schema amt_store", login);
        if (server && (row_bool(rows, i, "reads_secrets") || row_bool(rows, i, "administers")))
            check_find(check, LEVEL_WARNING, "access",
                       "give the daemon a login of its own, with amt_site_server alone",
                       "\"%s\" is a person's login, too", login);
        else if (row_bool(rows, i, "reads_secrets"))
            check_find(check, LEVEL_OK, "access", "",
                       "\"%s\" may read passwords%s; each time stands in amt.audit", login,
                       row_bool(rows, i, "administers") ? ", admit service points and set the authority"
                                                        : "");
    }
}
