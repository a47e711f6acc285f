#include "site_server.h"

#include "statement.h"

bool site_server_heard(struct database *database, const struct site_server_facts *facts, int64_t alive_s,
                       struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, facts->host);
    parameters_text(parameters, facts->endpoint);
    parameters_text(parameters, facts->software_version);
    parameters_number(parameters, alive_s);
    return database_run(database, STATEMENT_SITE_SERVER_HEARD, parameters, NULL, err) &&
           database_run(database, STATEMENT_SITE_SERVERS_TRIM, NULL, NULL, err);
}

bool site_server_stopped(struct database *database, struct error *err)
{
    return database_run(database, STATEMENT_SITE_SERVER_STOPPED, NULL, NULL, err);
}
