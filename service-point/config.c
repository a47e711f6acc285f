#include "config.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "queue/site_list.h"

#define KEY(name, kind, field, default_value, meaning)                                                       \
    CONFIG_KEY(struct config, name, CONFIG_##kind, field, default_value, meaning)
#define RANGE(name, kind, field, default_value, least, most, meaning)                                        \
    CONFIG_RANGE(struct config, name, CONFIG_##kind, field, default_value, least, most, meaning)
#define CHOICE(name, field, default_value, words, meaning)                                                   \
    CONFIG_CHOICE(struct config, name, field, default_value, words, meaning)

static const struct config_key keys[] = {
    KEY("point.name", TEXT, point_name, "", "what the site calls this service point; empty: the host name"),
    RANGE("point.slots", NUMBER, point_slots, "2000", 1, 10000,
          "computers provisioned at the same time at most"),
    KEY("point.subnets", LIST, point_subnets, "",
        "subnets whose computers this service point serves, such as 10.1.0.0/16, fd00:1::/64; empty: any"),
    KEY("site.endpoint", LIST, site_endpoint, "tcp://127.0.0.1:5671",
        "where site servers listen, each with its public key behind a blank if that is not site.public_key"),
    KEY("site.public_key", TEXT, site_public_key, "",
        "public key of the site server, 40 characters (Z85), or of all that share one"),
    RANGE("site.return", SECONDS, site_return_s, "900s", 0, 86400,
          "how long after it went to another site server a service point looks, again and again, whether its "
          "first one is back, and returns to it; 0s: it stays"),
    KEY("queue.key_file", TEXT, queue_key_file, "/etc/amt-service-point/curve.key",
        "key pair of the queue, made with --create-key; mode 0600"),
    KEY("hello.listen", TEXT, hello_listen, "0.0.0.0:9971", "address and port where computers say Hello"),
    RANGE("hello.receive_timeout", SECONDS, hello_receive_timeout_s, "10s", 1, 300,
          "how long one computer may take to say Hello"),
    RANGE("hello.connections_max", NUMBER, hello_connections_max, "4096", 1, 100000,
          "computers saying Hello at the same time; a new one then displaces the oldest"),
    KEY("provisioning.certificates", LIST, provisioning_certificates, "",
        "PEM files, each a private key, the leaf, intermediates and the root, in this order; mode 0600"),
    KEY("firmware.console_certificate", TEXT, firmware_console_certificate, "",
        "PEM file of a private key, a client certificate for AMT consoles, intermediates and the root, mode "
        "0600, for "
        "computers in mutual TLS; empty: the site issues one"),
    RANGE("firmware.connect_timeout", SECONDS, firmware_connect_timeout_s, "10s", 1, 600,
          "how long a computer may take to accept a connection"),
    RANGE("firmware.request_timeout", SECONDS, firmware_request_timeout_s, "30s", 1, 600,
          "how long a computer may take to answer one request"),
    RANGE("firmware.slow_request_timeout", SECONDS, firmware_slow_request_timeout_s, "60s", 1, 600,
          "the same for requests that take AMT long: generating a key, committing"),
    RANGE("firmware.restart_wait", SECONDS, firmware_restart_wait_s, "60s", 1, 3600,
          "how long AMT's network may stay away after a commit"),
    KEY("metrics.listen", TEXT, metrics_listen, "",
        "address and port of /metrics and /health, such as 127.0.0.1:9673; empty: none"),
    KEY("process.user", TEXT, process_user, "", "user to become once ports and keys are open; empty: stay"),
    CHOICE("log.level", log_level, "info", "error, warning, info, debug", "error, warning, info or debug"),
};

static bool subnet_valid(const char *subnet)
{
    unsigned char address[sizeof(struct in6_addr)];
    AUTO(text_free) char *text = text_copy(subnet);
    char *slash = strchr(text, '/');
    char *end;
    unsigned long bits;

    if (!slash || slash[1] < '0' || slash[1] > '9')
        return false;
    *slash = '\0';
    bits = strtoul(slash + 1, &end, 10);
    if (*end != '\0')
        return false;
    return (inet_pton(AF_INET, text, address) == 1 && bits <= 32) ||
           (inet_pton(AF_INET6, text, address) == 1 && bits <= 128);
}

static bool check_sites(const struct config *config, struct error *err)
{
    AUTO(site_list_clear) struct site_list sites = { 0 };

    return site_list_read(&sites, &config->site_endpoint, config->site_public_key, err);
}

static void name_by_host(struct config *config)
{
    char host[256] = "";

    if (config->point_name[0] != '\0' || gethostname(host, sizeof(host) - 1) != 0)
        return;
    text_set(&config->point_name, host);
}

static bool check(void *read, struct error *err)
{
    struct config *config = read;

    for (size_t i = 0; i < config->point_subnets.count; i++) {
        if (!subnet_valid(config->point_subnets.items[i]))
            return error_set(err, ERROR_INPUT, "point.subnets: '%s' is not ADDRESS/BITS",
                             config->point_subnets.items[i]);
    }
    name_by_host(config);
    return check_sites(config, err);
}

const struct config_table point_config_table = { "amt-service-point", keys, COUNT_OF(keys), check };

bool point_config_read(const struct config_command *command, struct config *config, struct error *err)
{
    *config = (struct config){ 0 };
    return config_read(&point_config_table, config, command->file, command->settings, command->setting_count,
                       err);
}

void point_config_clear(struct config *config)
{
    config_clear(&point_config_table, config);
}
