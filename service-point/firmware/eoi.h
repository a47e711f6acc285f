/*
 * eoi.h - the first stage's calls over AMT's older SOAP interface (EOI), as plain structs.
 *
 * Source: Intel AMT SDK 3.0 (interface version 1.15). AMT 3.2 to 8.x has it; 9.0 dropped it.
 *
 * As in wsman.h, each call is one exchange, or the few that belong together, and neither retries nor logs;
 * lists and their ends are those of wsman.h. Failures: those of connection.h and status.h,
 * REASON_MALFORMED_REPLY, and ERROR_ABSENT for a service or an operation that the firmware does not have.
 * "Once" means what it means there. Names, keys, certificates and TLS options wait for eoi_commit(); the
 * clock, the administrator and the MEBx password take effect at once.
 */
#ifndef FIRMWARE_EOI_H
#define FIRMWARE_EOI_H

#include "firmware/wsman.h"

/* The state, and the one-time password where the firmware tells it; the rest of *setup is empty. */
bool eoi_setup_get(struct connection *connection, struct setup_service *setup, struct error *err) MUST_CHECK;
/* From the Digest realm, where it is "Intel(R) AMT (ID:<UUID>)", else from the hardware inventory. */
bool eoi_uuid(struct connection *connection, struct uuid *uuid, struct error *err) MUST_CHECK;
/* The UUID in such a realm; pure. */
bool eoi_realm_uuid(const char *realm, struct uuid *uuid);
bool eoi_firmware_version(struct connection *connection, char version[WSMAN_ADDRESS_SIZE],
                          struct error *err) MUST_CHECK;

/* Realm and names; the rest of *settings is empty. */
bool eoi_general_settings_get(struct connection *connection, struct general_settings *settings,
                              struct error *err) MUST_CHECK;
bool eoi_host_name_set(struct connection *connection, const char *name, struct error *err) MUST_CHECK;
bool eoi_domain_name_set(struct connection *connection, const char *name, struct error *err) MUST_CHECK;

/* Seconds since 1970, UTC. */
bool eoi_time_get(struct connection *connection, uint32_t *device_s, struct error *err) MUST_CHECK;
/* Once, and at once after the other: device_s is what it gave, ours_s our clock then. */
bool eoi_time_set(struct connection *connection, uint32_t device_s, uint32_t ours_s,
                  struct error *err) MUST_CHECK;

/* Random octets for the firmware's generator; in setup the commit wants them. */
bool eoi_random_seed(struct connection *connection, const struct secret *seed, struct error *err) MUST_CHECK;

/* The RSA key length in bits to use: the largest that the firmware supports up to most; no length of 1024 or
 * more: REASON_UNSUPPORTED. */
bool eoi_key_bits(struct connection *connection, unsigned most, unsigned *bits, struct error *err) MUST_CHECK;
bool eoi_keys_list(struct connection *connection, struct stored_key_list *keys, struct error *err) MUST_CHECK;
bool eoi_key_get(struct connection *connection, const char *id, struct stored_key *key,
                 struct error *err) MUST_CHECK;
/* Once. rsa_private_key: PKCS#1 RSAPrivateKey, DER. ERROR_CONFLICT: it is there already. id: WSMAN_ID_SIZE.
 */
bool eoi_key_add(struct connection *connection, const struct secret *rsa_private_key, char *id,
                 struct error *err) MUST_CHECK;
bool eoi_key_delete(struct connection *connection, const char *id, struct error *err) MUST_CHECK;
/* Ids and DER; this interface tells nothing else of a certificate. */
bool eoi_certificates_list(struct connection *connection, struct stored_certificate_list *certificates,
                           struct error *err) MUST_CHECK;
/* ERROR_CONFLICT: it is there already. id: WSMAN_ID_SIZE. */
bool eoi_certificate_add(struct connection *connection, const struct bytes *der, char *id,
                         struct error *err) MUST_CHECK;

/* Which certificate AMT's TLS server uses; collection stays "". */
bool eoi_tls_credential_get(struct connection *connection, struct tls_credential *credential,
                            struct error *err) MUST_CHECK;
bool eoi_tls_credential_set(struct connection *connection, const char *certificate_id,
                            struct error *err) MUST_CHECK;

enum eoi_tls { EOI_TLS_OFF, EOI_TLS_SERVER, EOI_TLS_MUTUAL };

struct eoi_tls_options {
    enum eoi_tls network, local; /* for the network; for the computer's own operating system */
};

bool eoi_tls_options_get(struct connection *connection, struct eoi_tls_options *options,
                         struct error *err) MUST_CHECK;
bool eoi_tls_options_set(struct connection *connection, const struct eoi_tls_options *options,
                         struct error *err) MUST_CHECK;

/* After it every request needs the new password: connection_use_credential(). The hash is not kept. */
bool eoi_admin_set(struct connection *connection, const char *user, const uint8_t a1[DIGEST_HASH_SIZE],
                   struct error *err) MUST_CHECK;
/* REASON_NOT_PERMITTED: MEBx's password policy forbids it. */
bool eoi_mebx_password_set(struct connection *connection, const struct secret *password,
                           struct error *err) MUST_CHECK;
/* GetAdminAclEntryStatus: it is still the one that the firmware left the factory with. */
bool eoi_mebx_is_factory(struct connection *connection, bool *is_factory, struct error *err) MUST_CHECK;
/* Once. AMT restarts its network afterwards. */
bool eoi_commit(struct connection *connection, struct error *err) MUST_CHECK;

#endif
