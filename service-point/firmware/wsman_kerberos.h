/*
 * wsman_kerberos.h - the log-in by Active Directory in firmware: AMT_KerberosSettingData (spec O8.3).
 *
 * As wsman.h says of all calls. Keys, passphrase and master key are never read back.
 */
#ifndef FIRMWARE_WSMAN_KERBEROS_H
#define FIRMWARE_WSMAN_KERBEROS_H

#include "firmware/wsman.h"

#define KERBEROS_PRINCIPALS_MAX 4
#define KERBEROS_TOLERANCE_MIN  5 /* AMT SDK, MaximumClockTolerance: default and greatest */

struct kerberos_settings {
    bool enabled;
    bool takes_passphrase; /* AES: AMT 8.0 and later */
    bool tells_keys;       /* has_aes_keys is known */
    bool has_aes_keys;     /* derived from a passphrase */
    char realm[WSMAN_NAME_SIZE];
    char principals[KERBEROS_PRINCIPALS_MAX][WSMAN_NAME_SIZE];
    size_t principal_count;
    uint32_t key_version;
    char salt[WSMAN_NAME_SIZE];         /* "": not told */
    uint32_t iterations, tolerance_min; /* 0: not told */
};

struct kerberos_change {
    bool enabled;
    /* the rest is left out when enabled is false */
    const char *realm;             /* upper case */
    const char *const *principals; /* at most four, HTTP/fqdn:16992 to 16995 in this order */
    size_t principal_count;
    uint32_t key_version;
    const uint8_t *rc4_key;          /* 16 octets; NULL: passphrase is given */
    const struct secret *passphrase; /* of the directory object; AMT derives its keys */
    const char *salt;
    uint32_t iterations; /* 4096 is what Active Directory uses */
};

bool wsman_kerberos_get(struct connection *connection, struct kerberos_settings *settings,
                        struct error *err) MUST_CHECK;
bool wsman_kerberos_set(struct connection *connection, const struct kerberos_change *change,
                        struct error *err) MUST_CHECK;

#endif
