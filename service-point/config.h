/*
 * config.h - the service point's configuration, read once at start.
 */
#ifndef SERVICE_POINT_CONFIG_H
#define SERVICE_POINT_CONFIG_H

#include "common/config_table.h"

struct config {
    char *point_name;
    int64_t point_slots;
    struct config_list point_subnets;
    struct config_list site_endpoint; /* site_list_read() takes it apart */
    char *site_public_key;
    int64_t site_return_s; /* 0: never */
    char *queue_key_file;
    char *hello_listen;
    int64_t hello_receive_timeout_s, hello_connections_max;
    struct config_list provisioning_certificates;
    char *firmware_console_certificate;
    int64_t firmware_connect_timeout_s, firmware_request_timeout_s, firmware_slow_request_timeout_s;
    int64_t firmware_restart_wait_s;
    char *metrics_listen, *process_user, *log_level;
};

extern const struct config_table point_config_table;

/* On true the caller ends *config with point_config_clear(). */
bool point_config_read(const struct config_command *command, struct config *config,
                       struct error *err) MUST_CHECK;
void point_config_clear(struct config *config);

#endif
