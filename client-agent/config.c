#include "config.h"

#include <stddef.h>

#include "common/log.h"

#define STATE_DIRECTORY "/var/lib/amt-client-agent"

#define KEY(name, kind, field, default_value, meaning)                                                       \
    CONFIG_KEY(struct config, name, CONFIG_##kind, field, default_value, meaning)
#define RANGE(name, kind, field, default_value, least, most, meaning)                                        \
    CONFIG_RANGE(struct config, name, CONFIG_##kind, field, default_value, least, most, meaning)
#define CHOICE(name, field, default_value, words, meaning)                                                   \
    CONFIG_CHOICE(struct config, name, field, default_value, words, meaning)

static const struct config_key keys[] = {
    KEY("site.endpoint", TEXT, site_endpoint, "tcp://127.0.0.1:5672",
        "where the site server listens for agents"),
    KEY("site.public_key", TEXT, site_public_key, "",
        "public key of the site server, 40 characters (Z85); 'status' works without"),
    RANGE("site.timeout", SECONDS, site_timeout_s, "60s", 1, 600,
          "how long the site server may take to answer one message"),
    KEY("queue.key_file", TEXT, queue_key_file, STATE_DIRECTORY "/curve.key",
        "key pair of the queue, made at the first start; mode 0600; never part of a disk image"),
    KEY("token.file", TEXT, token_file, STATE_DIRECTORY "/token",
        "enrolment token, made with 'amtctl token create'; mode 0600; deleted once the computer is enrolled"),
    KEY("schedule.file", TEXT, schedule_file, STATE_DIRECTORY "/next-contact",
        "when 'provision --scheduled' contacts the site again, as the site wished"),
    KEY("device.paths", LIST, device_paths, "/dev/mei0, /dev/mei1, /dev/mei2, /dev/mei3",
        "devices of management engines; the first with AMT in it counts (graphics cards have engines too)"),
    RANGE("device.timeout", SECONDS, device_timeout_s, "20s", 1, 300,
          "how long the firmware may take to answer, a reset of it included"),
    RANGE("device.ready_timeout", SECONDS, device_ready_s, "120s", 1, 600,
          "the same for what firmware has to make first: a random seed, its own certificate"),
    KEY("host.fqdn", TEXT, host_fqdn, "", "full name of this computer; empty: what its system says"),
    KEY("host.uuid_file", TEXT, host_uuid_file, "/sys/class/dmi/id/product_uuid",
        "where the computer's UUID is read when its firmware does not tell it"),
    KEY("firmware.dns_suffix", TEXT, firmware_dns_suffix, "",
        "DNS suffix to store in firmware before setup; empty: leave it as it is"),
    KEY("firmware.host_name", SWITCH, firmware_host_name, "off",
        "tell firmware the name of the computer's system before setup"),
    KEY("process.user", TEXT, process_user, "",
        "user to become at start, who may open device and key file; empty: stay"),
    CHOICE("log.level", log_level, "info", "error, warning, info, debug", "error, warning, info or debug"),
};

static bool check(void *read, struct error *err)
{
    const struct config *config = read;

    if (config->device_paths.count == 0)
        return error_set(err, ERROR_INPUT, "device.paths is empty; the usual device is /dev/mei0");
    return true;
}

const struct config_table agent_config_table = { "amt-client-agent", keys, COUNT_OF(keys), check };

bool agent_config_read(const struct config_command *command, struct config *config, struct error *err)
{
    *config = (struct config){ 0 };
    return config_read(&agent_config_table, config, command->file, command->settings, command->setting_count,
                       err);
}

void agent_config_clear(struct config *config)
{
    config_clear(&agent_config_table, config);
}
