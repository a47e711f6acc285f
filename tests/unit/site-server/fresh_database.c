#include "tests/unit/site-server/fresh_database.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "database/schema_change.h"
#include "support/workplace.h"

#define SERVER_ROLE "server"

static bool add_server_role(const struct fresh_database *fresh, struct error *err)
{
    const struct database_options options = { .url = fresh_database_url(fresh), .program = "test" };
    AUTO(database_close) struct database *database = NULL;

    return database_open(&database, &options, err) &&
           database_run_script(
               database,
               &(struct sql_text){ "role", "CREATE ROLE " SERVER_ROLE " LOGIN IN ROLE amt_site_server" },
               err);
}

bool fresh_database_start(struct fresh_database *fresh, struct error *err)
{
    AUTO(text_free) char *cluster = NULL;
    unsigned applied;

    strcpy(fresh->directory, "/tmp/unit_test.XXXXXX");
    if (!mkdtemp(fresh->directory) ||
        chmod(fresh->directory, 0755) != 0) /* PostgreSQL runs as another user */
        return error_set(err, ERROR_INTERNAL, "cannot make %s", fresh->directory);
    cluster = fresh_database_path(fresh, "cluster");
    if (postgres_start(&fresh->postgres, cluster, err) &&
        schema_migrate(fresh_database_url(fresh), &applied, err) && add_server_role(fresh, err))
        return true;
    fresh_database_stop(fresh);
    return false;
}

void fresh_database_stop(struct fresh_database *fresh)
{
    postgres_stop(&fresh->postgres);
    if (*fresh->directory)
        directory_remove(fresh->directory);
    *fresh->directory = '\0';
}

const char *fresh_database_url(const struct fresh_database *fresh)
{
    return postgres_url(fresh->postgres);
}

char *fresh_database_server_url(const struct fresh_database *fresh)
{
    const char *url = fresh_database_url(fresh);
    const char *user = strstr(url, "user=") + strlen("user=");

    return text_format("%.*s" SERVER_ROLE, (int)(user - url), url);
}

char *fresh_database_path(const struct fresh_database *fresh, const char *name)
{
    return text_format("%s/%s", fresh->directory, name);
}
