/*
 * config.h - the site server's configuration (config.c holds the table: names, defaults, meanings).
 */
#ifndef SITE_SERVER_CONFIG_H
#define SITE_SERVER_CONFIG_H

#include "common/config_table.h"

struct config {
    char *site_name;
    char *queue_endpoint, *queue_key_file;
    int64_t queue_heartbeat_s;
    char *database_url;
    char *secret_key_file;
    int64_t job_lease_s, job_deadline_s, job_attempts, job_retry_delay_s, job_retry_delay_max_s, job_batch;
    int64_t hello_quiet_s, hello_unknown_max;
    char *agents_endpoint; /* empty: none */
    int64_t agents_come_back_s, agents_rate_key, agents_rate_address, agents_connections, otp_lifetime_s;
    int64_t certificate_lifetime_s, certificate_renew_before_s;
    char *metrics_listen; /* empty: none */
    char *process_user;   /* empty: stay */
    char *log_level;
};

extern const struct config_table site_config_table;

/* Reads file and settings, and checks what no single key can say. */
bool site_config_read(const struct config_command *command, struct config *config,
                      struct error *err) MUST_CHECK;
void site_config_clear(struct config *config);

#endif
