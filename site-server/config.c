#include "config.h"

#include <stddef.h>
#include <string.h>

#include "common/log.h"

#define KEY(name, kind, field, default_value, meaning)                                                       \
    CONFIG_KEY(struct config, name, CONFIG_##kind, field, default_value, meaning)
#define RANGE(name, kind, field, default_value, least, most, meaning)                                        \
    CONFIG_RANGE(struct config, name, CONFIG_##kind, field, default_value, least, most, meaning)
#define CHOICE(name, field, default_value, words, meaning)                                                   \
    CONFIG_CHOICE(struct config, name, field, default_value, words, meaning)

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
    KEY("secret.journal", TEXT, secret_journal, "",
        "file that each new password and certificate is also written to, sealed, before it is handed out, "
        "best on another disk than the database's; 'amtctl secret recover' reads it after the database was "
        "restored to an earlier moment; each site server has its own; empty: none"),
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
    CHOICE("certificate.issuer", certificate_issuer, "internal", "internal, cmp",
           "who issues the computers' certificates: internal (made with 'amtctl ca init'), or cmp, the "
           "authority at "
           "cmp.server; after a change each computer's next update replaces its certificate"),
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
    KEY("agents.newcomers", SWITCH, agents_newcomers, "on",
        "on: an agent with a token makes its computer known, by the name that it says, which gets a "
        "certificate "
        "and an account in the directory; off: computers are imported first"),
    RANGE("otp.lifetime", SECONDS, otp_lifetime_s, "21600s", 1, 7 * DAY_S,
          "until a registered one-time password must have been used; firmware that an agent starts stays in "
          "setup "
          "for 6 hours"),
    RANGE("certificate.lifetime", SECONDS, certificate_lifetime_s, "365d", DAY_S, 3650 * DAY_S,
          "validity of the certificates issued to computers"),
    RANGE("certificate.console_lifetime", SECONDS, certificate_console_lifetime_s, "7d", 3600, 365 * DAY_S,
          "validity of the certificates with which service points open computers in mutual TLS; renewed at "
          "half of it"),
    RANGE("certificate.renew_before", SECONDS, certificate_renew_before_s, "42d", 0, 3650 * DAY_S,
          "how long before the end of its validity a certificate is due for renewal"),
    KEY("cmp.server", TEXT, cmp_server, "",
        "URL of an enterprise authority that speaks CMP (RFC 4210), such as http://ca.example.com/pkix; "
        "empty: none"),
    KEY("cmp.authority_file", TEXT, cmp_authority_file, "",
        "PEM: the certificate of the authority that issues, then others that may vouch for its answers"),
    KEY("cmp.reference", TEXT, cmp_reference, "", "name under which the authority knows the shared secret"),
    KEY("cmp.secret_file", TEXT, cmp_secret_file, "",
        "the shared secret that both sides prove themselves with; mode 0600; or:"),
    KEY("cmp.credential_file", TEXT, cmp_credential_file, "",
        "PEM: key, certificate and its issuers, by which the authority knows this site; mode 0600"),
    CHOICE("cmp.request", cmp_request, "p10cr", "p10cr, cr, ir",
           "kind of request: p10cr (signed by the computer's key), or cr or ir (this site vouches for that: "
           "raVerified)"),
    CHOICE("cmp.renewal", cmp_renewal, "kur", "kur, request",
           "how a certificate is renewed: kur (key update, raVerified), or request (like a first one)"),
    RANGE("cmp.timeout", SECONDS, cmp_timeout_s, "15s", 1, 600,
          "how long the authority may take for one message"),
    RANGE("cmp.patience", SECONDS, cmp_patience_s, "60s", 1, 600,
          "how long a computer is kept waiting when the authority has to think; then its job waits instead"),
    RANGE("crl.lifetime", SECONDS, crl_lifetime_s, "7d", 3600, 365 * DAY_S,
          "validity of a revocation list of the internal authority; a new one is made after half of it, and "
          "after "
          "each revocation"),
    KEY("crl.directory", TEXT, crl_directory, "",
        "where revocation lists are written as NAME.crl, for a web server to publish; empty: nowhere"),
    KEY("crl.url", TEXT, crl_url, "",
        "URL of that directory, such as http://pki.example.com/amt; stands in new certificates, with "
        "/NAME.crl; "
        "metrics.listen serves them as /crl; empty: none"),
    KEY("directory.servers", TEXT, directory_servers, "",
        "domain controllers of Active Directory as URLs separated by blanks, tried in this order: "
        "ldaps://HOST, "
        "or ldap://HOST, which is encrypted by StartTLS or else by Kerberos; empty: no directory"),
    KEY("directory.starttls", SWITCH, directory_starttls, "off", "StartTLS on ldap:// URLs"),
    KEY("directory.global_catalogs", TEXT, directory_global_catalogs, "",
        "URLs of global catalogues; empty: the same controllers, ports 3269 and 3268"),
    KEY("directory.ca_file", TEXT, directory_ca_file, "",
        "PEM file of the authorities that sign the controllers' certificates; empty: the system's"),
    KEY("directory.keytab", TEXT, directory_keytab, "",
        "keytab of the account that keeps the computers' objects; mode 0600"),
    KEY("directory.bind_user", TEXT, directory_bind_user, "",
        "instead of a keytab: DN or user@domain of that account"),
    KEY("directory.password_file", TEXT, directory_password_file, "", "its password; mode 0600"),
    KEY("directory.container", TEXT, directory_container, "",
        "DN of the organizational unit where the computers' objects are created"),
    KEY("directory.group", TEXT, directory_group, "",
        "DN of a group that these objects become members of; empty: none"),
    RANGE("directory.timeout", SECONDS, directory_timeout_s, "10s", 1, 300,
          "for connecting to a controller, and for each of its answers"),
    RANGE("directory.connections", NUMBER, directory_connections, "4", 1, 64,
          "objects that are worked on at once"),
    KEY("metrics.listen", TEXT, metrics_listen, "",
        "address and port of /metrics, /health and /crl, such as 127.0.0.1:9672; empty: none"),
    KEY("process.user", TEXT, process_user, "", "user to become once ports and keys are open; empty: stay"),
    CHOICE("log.level", log_level, "info", "error, warning, info, debug", "error, warning, info or debug"),
};

static bool check_directory(const struct config *config, struct error *err)
{
    bool simple = *config->directory_bind_user, by_ticket = *config->directory_keytab;

    if (!*config->directory_servers)
        return true;
    if (!*config->directory_container)
        return error_set(err, ERROR_INPUT,
                         "directory.container is missing: where are objects to be created?");
    if (simple == by_ticket)
        return error_set(err, ERROR_INPUT,
                         "give either directory.keytab, or directory.bind_user with directory.password_file");
    if (simple && !*config->directory_password_file)
        return error_set(err, ERROR_INPUT, "directory.bind_user needs directory.password_file");
    if (simple && !config->directory_starttls && strstr(config->directory_servers, "ldap://"))
        return error_set(err, ERROR_INPUT,
                         "directory.servers: with ldap:// the password would go in clear; write ldaps://, or "
                         "switch directory.starttls on");
    return true;
}

static bool check(void *read, struct error *err)
{
    const struct config *config = read;

    if (config->job_retry_delay_max_s < config->job_retry_delay_s)
        return error_set(err, ERROR_INPUT, "job.retry_delay_max is shorter than job.retry_delay");
    if (config->certificate_renew_before_s >= config->certificate_lifetime_s)
        return error_set(err, ERROR_INPUT,
                         "certificate.renew_before is not shorter than certificate.lifetime: "
                         "every certificate would be due at once");
    if (strcmp(config->certificate_issuer, "cmp") == 0 && !*config->cmp_server)
        return error_set(err, ERROR_INPUT, "certificate.issuer is cmp, and cmp.server is not set");
    if (config->crl_url[strcspn(config->crl_url, ",;\\ \"")] ||
        (*config->crl_url && strncmp(config->crl_url, "http://", 7) != 0))
        return error_set(
            err, ERROR_INPUT,
            "crl.url: '%s' is no http:// URL without blanks, commas and semicolons; verifiers of "
            "certificates fetch lists with plain HTTP",
            config->crl_url);
    if (3 * config->queue_heartbeat_s > config->job_lease_s)
        return error_set(err, ERROR_INPUT,
                         "job.lease is shorter than three times queue.heartbeat: leases would "
                         "end under service points that are alive");
    return check_directory(config, err);
}

const struct config_table site_config_table = { "amt-site-server", keys, COUNT_OF(keys), check };

bool site_config_read(const struct config_command *command, struct config *config, struct error *err)
{
    *config = (struct config){ 0 };
    return config_read(&site_config_table, config, command->file, command->settings, command->setting_count,
                       err);
}

void site_config_clear(struct config *config)
{
    config_clear(&site_config_table, config);
}
