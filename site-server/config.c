#include "config.h"

#include <stddef.h>

#include "common/log.h"

#define KEY(name, kind, field, default_value, meaning)                                                       \
    CONFIG_KEY(struct config, name, CONFIG_##kind, field, default_value, meaning)
#define RANGE(name, kind, field, default_value, least, most, meaning)                                        \
    CONFIG_RANGE(struct config, name, CONFIG_##kind, field, default_value, least, most, meaning)

#define DAY_S 86400

static const struct config_key keys[] = {
    KEY("site.name", TEXT, site_name, "amt", "what service points and logs call this site"),
    KEY("queue.endpoint", TEXT, queue_endpoint, "tcp://*:5671", "where service points connect"),
    KEY("queue.key_file", TEXT, queue_key_file, "/etc/amt-site-server/curve.key",
        "key pair of the queue, made with --create-key; mode 0600"),
    RANGE("queue.heartbeat", SECONDS, queue_heartbeat_s, "15s", 1, 3600,
          "how often a service point reports; silent for three of these it gets no jobs"),
    KEY("database.url", TEXT, database_url, "",
        "libpq connection string or URI, several hosts allowed; no password in it (use PGPASSFILE or peer)"),
    KEY("secret.key_file", TEXT, secret_key_file, "/etc/amt-site-server/secret.keys",
        "keys that secrets in the database are encrypted with, made with 'amtctl secret init'; mode 0600"),
    RANGE("job.lease", SECONDS, job_lease_s, "900s", 10, DAY_S,
          "how long a service point may hold a job without a word"),
    RANGE("job.deadline", SECONDS, job_deadline_s, "600s", 10, DAY_S, "how long one attempt may take"),
    RANGE("job.attempts", NUMBER, job_attempts, "5", 1, 1000, "attempts until a job has failed"),
    RANGE("job.retry_delay", SECONDS, job_retry_delay_s, "60s", 1, DAY_S,
          "wait before the second attempt; doubles from attempt to attempt"),
    RANGE("job.retry_delay_max", SECONDS, job_retry_delay_max_s, "3600s", 1, 7 * DAY_S,
          "the longest wait between two attempts"),
    RANGE("job.batch", NUMBER, job_batch, "256", 1, 10000,
          "messages in one turn, that is in one transaction"),
    RANGE("hello.quiet", SECONDS, hello_quiet_s, "300s", 0, DAY_S,
          "a Hello this soon after provisioning is a late one"),
    RANGE("hello.unknown_max", NUMBER, hello_unknown_max, "10000", 1, 1000000,
          "computers kept in amt.unknown_hello; the oldest leave first"),
    KEY("agents.endpoint", TEXT, agents_endpoint, "",
        "where client agents connect, such as tcp://*:5672; empty: computers are provisioned out of band "
        "only"),
    RANGE("agents.come_back", SECONDS, agents_come_back_s, "14400s", 1, 30 * DAY_S,
          "how often a client agent asks for its policy"),
    RANGE("agents.rate_key", NUMBER, agents_rate_key, "60", 1, 1000000,
          "messages a minute that one agent's key may say"),
    RANGE("agents.rate_address", NUMBER, agents_rate_address, "600", 1, 1000000,
          "messages, and connections, a minute from one address (IPv6: from one /64)"),
    RANGE("agents.connections", NUMBER, agents_connections, "4000", 1, 100000,
          "connections of agents at once; each takes a file descriptor"),
    RANGE("otp.lifetime", SECONDS, otp_lifetime_s, "21600s", 1, 7 * DAY_S,
          "until a registered one-time password must have been used; firmware that an agent starts stays in "
          "setup "
          "for 6 hours"),
    RANGE("certificate.lifetime", SECONDS, certificate_lifetime_s, "365d", DAY_S, 3650 * DAY_S,
          "validity of the certificates issued to computers"),
    RANGE("certificate.renew_before", SECONDS, certificate_renew_before_s, "42d", 0, 3650 * DAY_S,
          "how long before the end of its validity a certificate is due for renewal"),
    KEY("metrics.listen", TEXT, metrics_listen, "",
        "address and port of /metrics and /health, such as 127.0.0.1:9672; empty: none"),
    KEY("process.user", TEXT, process_user, "", "user to become once ports and keys are open; empty: stay"),
    KEY("log.level", TEXT, log_level, "info", "error, warning, info or debug"),
};

const struct config_table site_config_table = { "amt-site-server", keys, COUNT_OF(keys) };

static bool check(const struct config *config, struct error *err)
{
    enum log_level level;

    if (!log_level_parse(config->log_level, &level))
        return error_set(err, ERROR_INPUT, "log.level: '%s' is none of error, warning, info, debug",
                         config->log_level);
    if (config->job_retry_delay_max_s < config->job_retry_delay_s)
        return error_set(err, ERROR_INPUT, "job.retry_delay_max is shorter than job.retry_delay");
    if (config->certificate_renew_before_s >= config->certificate_lifetime_s)
        return error_set(err, ERROR_INPUT,
                         "certificate.renew_before is not shorter than certificate.lifetime: "
                         "every certificate would be due at once");
    if (3 * config->queue_heartbeat_s > config->job_lease_s)
        return error_set(err, ERROR_INPUT,
                         "job.lease is shorter than three times queue.heartbeat: leases would "
                         "end under service points that are alive");
    return true;
}

bool site_config_read(const struct config_command *command, struct config *config, struct error *err)
{
    struct config read = { 0 };

    if (!config_read(&site_config_table, &read, command->file, command->settings, command->setting_count,
                     err))
        return false;
    if (!check(&read, err)) {
        site_config_clear(&read);
        return false;
    }
    *config = read;
    return true;
}

void site_config_clear(struct config *config)
{
    config_clear(&site_config_table, config);
}
