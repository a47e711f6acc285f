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
    char *secret_journal; /* empty: none */
    int64_t job_lease_s, job_deadline_s, job_attempts, job_retry_delay_s, job_retry_delay_max_s, job_batch;
    int64_t hello_quiet_s, hello_unknown_max;
    char *certificate_issuer; /* internal or cmp */
    char *agents_endpoint;    /* empty: none */
    bool agents_newcomers;
    int64_t agents_come_back_s, agents_rate_key, agents_rate_address, agents_connections, otp_lifetime_s;
    int64_t certificate_lifetime_s, certificate_renew_before_s, certificate_console_lifetime_s;
    char *cmp_server; /* empty: none */
    char *cmp_authority_file, *cmp_reference, *cmp_secret_file, *cmp_credential_file, *cmp_request,
        *cmp_renewal;
    int64_t cmp_timeout_s, cmp_patience_s;
    int64_t crl_lifetime_s;
    char *crl_directory, *crl_url; /* empty: none */
    char *directory_servers;       /* empty: no directory */
    bool directory_starttls;
    char *directory_global_catalogs, *directory_ca_file;
    char *directory_keytab;                              /* either this */
    char *directory_bind_user, *directory_password_file; /* or these */
    char *directory_container, *directory_group;
    int64_t directory_timeout_s, directory_connections;
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
