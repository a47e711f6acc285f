/*
 * firmware.h - what the agent asks of AMT, one function a question, over one MEI connection.
 *
 * Blocking; each call ends within a few of the settings' timeouts. Used by one thread.
 */
#ifndef CLIENT_AGENT_FIRMWARE_H
#define CLIENT_AGENT_FIRMWARE_H

#include "host_interface.h"

struct firmware; /* opaque: owns the connection */

struct firmware_settings { /* borrowed until firmware_close() */
    const char *device;    /* "/dev/mei0" */
    unsigned timeout_ms;   /* for one exchange, a reset of the engine included */
    unsigned ready_ms;     /* for what firmware has to make first: a random seed, its own certificate */
};

/* REASON_NO_HOST_INTERFACE: no driver or no management engine; REASON_NO_AMT: no AMT in it. */
bool firmware_open(struct firmware **firmware, const struct firmware_settings *settings,
                   struct error *err) MUST_CHECK;
void firmware_close(struct firmware **firmware);

struct firmware_facts {
    struct host_versions versions;
    unsigned major, minor; /* AMT release */
    struct uuid uuid;
    uint32_t state; /* enum host_provisioning_state */
    bool has_control_mode, has_zero_touch, has_wired, has_wireless;
    uint32_t control_mode; /* 0 none, 1 client, 2 admin */
    bool zero_touch;
    struct host_lan wired, wireless;
    char dns_suffix[HOST_DNS_SUFFIX_MAX_LENGTH + 1]; /* the stored one; "": DHCP option 15 counts */
    struct host_hash hashes[HOST_HASHES_MAX];        /* of trusted roots, inactive ones too */
    size_t hash_count;
};

/* All of it; what a release does not know is left out. */
bool firmware_read(struct firmware *firmware, struct firmware_facts *facts, struct error *err) MUST_CHECK;
bool firmware_state(struct firmware *firmware, uint32_t *state, struct error *err) MUST_CHECK;
/* "not provisioned"; never NULL. */
const char *firmware_state_name(uint32_t state);
const char *firmware_control_mode_name(uint32_t mode);

bool firmware_set_otp(struct firmware *firmware, const struct secret *otp, struct error *err) MUST_CHECK;
bool firmware_set_dns_suffix(struct firmware *firmware, const char *suffix, struct error *err) MUST_CHECK;
bool firmware_set_host_fqdn(struct firmware *firmware, const char *fqdn, struct error *err) MUST_CHECK;
/* From here on the network interface is open and the firmware says Hello: StartConfigurationEx since 6.0,
 * StartConfiguration before. Repeating it is refused by firmware as INVALID_AMT_MODE. */
bool firmware_start_configuration(struct firmware *firmware, const struct firmware_facts *facts,
                                  struct error *err) MUST_CHECK;
/* Back to where StartConfiguration began; fine when it had not begun. */
bool firmware_stop_configuration(struct firmware *firmware, struct error *err) MUST_CHECK;

/* The last AMT_STATUS that was not success; 0: none yet. */
uint32_t firmware_last_status(const struct firmware *firmware);

/* AMT 16.1 and later can be switched off by software; firmware_open() then finds no AMT. */
bool firmware_switch(const struct firmware_settings *settings, struct host_switch *state,
                     struct error *err) MUST_CHECK;
bool firmware_switch_on(const struct firmware_settings *settings, struct error *err) MUST_CHECK;

#endif
