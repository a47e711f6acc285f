#include "support/standby.h"

#include <string.h>

/* Behind the primary's host in database.url. */
static bool name_both_hosts(const struct site *site, const char *config_path, const char *directory,
                            struct error *err)
{
    AUTO(text_free) char *config = NULL;
    AUTO(text_free) char *changed = NULL;
    const char *host;

    if (!file_read(config_path, &config, NULL, err))
        return false;
    host = strstr(config, site->cluster_path);
    if (!host)
        return error_set(err, ERROR_INTERNAL, "%s does not name %s", config_path, site->cluster_path);
    host += strlen(site->cluster_path);
    changed = text_format("%.*s,%s%s", (int)(host - config), config, directory, host);
    return file_write(config_path, changed, 0600, err);
}

static bool start_again(struct site *site, const char *directory, struct error *err)
{
    if (!name_both_hosts(site, site->server_config_path, directory, err))
        return false;
    process_stop(&site->server);
    if (!site_start_server(site, err))
        return false;
    if (!site->second.process)
        return true;
    process_stop(&site->second.process);
    return name_both_hosts(site, site->second.config_path, directory, err) &&
           site_start_second_server(site, err);
}

bool standby_add(struct standby *standby, struct site *site, struct error *err)
{
    standby->directory = text_format("%s-standby", site->cluster_path);
    directory_remove(standby->directory);
    return postgres_start_standby(&standby->postgres, site->postgres, standby->directory, err) &&
           start_again(site, standby->directory, err);
}

bool standby_take_over(struct standby *standby, struct site *site, struct error *err)
{
    if (!postgres_promote(standby->postgres, err))
        return false;
    postgres_stop(&site->postgres);
    directory_remove(site->cluster_path);
    text_free(&site->cluster_path);
    text_free(&site->operator_url);
    site->postgres = TAKE(standby->postgres);
    site->cluster_path = TAKE(standby->directory);
    site->operator_url = site_url(site, "operator");
    sql_close(&site->sql);
    return sql_open(&site->sql, postgres_url(site->postgres), err);
}

void standby_stop(struct standby *standby)
{
    postgres_stop(&standby->postgres);
    if (standby->directory)
        directory_remove(standby->directory);
    text_free(&standby->directory);
}
