/*
 * config.h - the client agent's configuration, read once at start.
 */
#ifndef CLIENT_AGENT_CONFIG_H
#define CLIENT_AGENT_CONFIG_H

#include "common/config_table.h"

struct config {
    char *site_endpoint, *site_public_key;
    int64_t site_timeout_s;
    char *queue_key_file, *token_file, *schedule_file;
    struct config_list device_paths;
    int64_t device_timeout_s, device_ready_s;
    char *host_fqdn, *host_uuid_file;
    char *firmware_dns_suffix;
    bool firmware_host_name;
    char *process_user, *log_level;
};

extern const struct config_table agent_config_table;

/* On true the caller ends *config with agent_config_clear(). */
bool agent_config_read(const struct config_command *command, struct config *config,
                       struct error *err) MUST_CHECK;
void agent_config_clear(struct config *config);

#endif
