/*
 * wsman.h - the WS-Management calls of provisioning, as plain structs (DSP0226, AMT SDK class reference).
 *
 * Each call is one exchange, or the few that belong together (Enumerate and its Pulls; Get before Put). A
 * call neither retries nor logs. Failures: those of connection.h, REASON_NO_ACCOUNT_ACCEPTED for a 401 that
 * stays, REASON_HTTP_ERROR, REASON_MALFORMED_REPLY, REASON_REPLY_TOO_LARGE, and those of status.h. A class or
 * instance that the firmware does not have gives ERROR_ABSENT, something that is there already
 * ERROR_CONFLICT: look at err->code for these two.
 *
 * Calls marked "once" are never repeated by themselves: REASON_CONNECTION_LOST or REASON_TIMEOUT from one of
 * them means that it may or may not have been done; read the state. All others are sent again, once, when a
 * kept-alive connection turns out to have been closed by the firmware.
 *
 * Lists are owned by the caller and ended with their _free function, which accepts a zeroed one.
 */
#ifndef FIRMWARE_WSMAN_H
#define FIRMWARE_WSMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/secret.h"
#include "common/uuid.h"
#include "firmware/connection.h"
#include "firmware/digest.h"

#define WSMAN_ID_SIZE      128 /* InstanceIDs such as "Intel(r) AMT Certificate: Handle: 0", with the NUL */
#define WSMAN_NAME_SIZE    256 /* DNS names and descriptions, with the NUL */
#define WSMAN_ADDRESS_SIZE 64  /* IP and MAC addresses as text */

/* In a change: leave it, or set it. */
enum change { CHANGE_NONE, CHANGE_OFF, CHANGE_ON };

/* ---- AMT_SetupAndConfigurationService ------------------------------------------------------------ */

enum provisioning_state { PROVISIONING_PRE, PROVISIONING_IN, PROVISIONING_POST };

struct setup_service {
    enum provisioning_state state;
    unsigned mode;           /* 1 admin or enterprise, 4 client */
    unsigned password_model; /* 0 coupled, 1 separate, 2 separate, stored as hash */
    bool zero_touch;         /* remote configuration is allowed */
    struct secret *otp;      /* one-time password without trailing zeros; NULL: none set, or not readable */
    char dhcp_dns_suffix[WSMAN_NAME_SIZE];      /* of DHCP option 15; "" */
    char trusted_dns_suffix[WSMAN_NAME_SIZE];   /* PKI DNS suffix; "" */
    char configuration_server[WSMAN_NAME_SIZE]; /* FQDN; "" */
};

bool wsman_setup_get(struct connection *connection, struct setup_service *setup,
                     struct error *err) MUST_CHECK;
void setup_service_clear(struct setup_service *setup); /* wipes the OTP; accepts a zeroed one */
bool wsman_setup_uuid(struct connection *connection, struct uuid *uuid, struct error *err) MUST_CHECK;
/* REASON_NOT_PERMITTED: MEBx's password policy forbids it; no failure for the job (spec O7.5). */
bool wsman_setup_set_mebx_password(struct connection *connection, const struct secret *password,
                                   struct error *err) MUST_CHECK;
/* Once. AMT restarts its TLS stack afterwards: connection_drop(), wait some seconds, look at the state. */
bool wsman_setup_commit(struct connection *connection, struct error *err) MUST_CHECK;
/* Once, both. */
bool wsman_setup_unprovision(struct connection *connection, struct error *err) MUST_CHECK;
bool wsman_setup_unprovision_partially(struct connection *connection, struct error *err) MUST_CHECK;

/* ---- AMT_GeneralSettings -------------------------------------------------------------------------- */

struct general_settings {
    char digest_realm[DIGEST_REALM_SIZE];
    char host_name[WSMAN_NAME_SIZE];
    char domain_name[WSMAN_NAME_SIZE];
    bool network_enabled; /* AMTNetworkEnabled; never write 0: it cannot be set back remotely */
    bool ping_response;
    bool has_rmcp_ping_response, rmcp_ping_response; /* from AMT 4 */
    bool has_shared_fqdn, shared_fqdn;
    unsigned idle_wake_timeout_min;
    unsigned privacy_level;
};

struct general_settings_change {
    const char *host_name;   /* NULL: leave it */
    const char *domain_name; /* NULL: leave it */
    enum change shared_fqdn; /* left out where the firmware has no such property */
    enum change ping_response, rmcp_ping_response;
    unsigned idle_wake_timeout_min; /* 0: leave it */
};

bool wsman_general_settings_get(struct connection *connection, struct general_settings *settings,
                                struct error *err) MUST_CHECK;
/* Get, and Put only if something differs: *changed says which it was. */
bool wsman_general_settings_change(struct connection *connection,
                                   const struct general_settings_change *change, bool *changed,
                                   struct error *err) MUST_CHECK;

/* ---- AMT_TimeSynchronizationService --------------------------------------------------------------- */

/* Get and, where the clock was never set or is more than tolerance_s off, Set at once (and once) with
 * Tm1 = Tm2: each Set is a write to flash. now_s gives seconds since 1970, UTC. *offset_s: firmware's clock
 * minus ours before. */
bool wsman_time_synchronize(struct connection *connection, int64_t (*now_s)(void), unsigned tolerance_s,
                            int64_t *offset_s, bool *changed, struct error *err) MUST_CHECK;

/* ---- AMT_AuthorizationService --------------------------------------------------------------------- */

#define ACL_REALMS_MAX  32
#define ACL_SID_MAX     28
#define ACL_ENTRIES_MAX 128 /* AMT takes 7 Digest users and 32 directory entries, and has some of its own */

struct acl_entry {
    char user[64];                       /* Digest user; "" for a directory entry */
    uint8_t digest_a1[DIGEST_HASH_SIZE]; /* digest_a1() of user and DigestRealm; never read back */
    uint8_t sid[ACL_SID_MAX];            /* binary Windows SID of a directory entry */
    size_t sid_length;                   /* 0: a Digest user */
    uint32_t access;                     /* 0 local, 1 network, 2 both */
    uint32_t realms[ACL_REALMS_MAX];
    size_t realm_count;
};

struct acl_handles {
    uint32_t handles[ACL_ENTRIES_MAX];
    size_t count;
};

/* After it every request needs the new password: connection_use_credential(). The hash is not kept. */
bool wsman_admin_set(struct connection *connection, const char *user, const uint8_t a1[DIGEST_HASH_SIZE],
                     struct error *err) MUST_CHECK;
/* GetAdminAclEntryStatus: the MEBx/admin password is still the default. */
bool wsman_admin_is_default(struct connection *connection, bool *is_default, struct error *err) MUST_CHECK;
bool wsman_acl_list(struct connection *connection, struct acl_handles *handles, struct error *err) MUST_CHECK;
bool wsman_acl_get(struct connection *connection, uint32_t handle, struct acl_entry *entry,
                   struct error *err) MUST_CHECK;
/* Once. */
bool wsman_acl_add(struct connection *connection, const struct acl_entry *entry, uint32_t *handle,
                   struct error *err) MUST_CHECK;
bool wsman_acl_update(struct connection *connection, uint32_t handle, const struct acl_entry *entry,
                      struct error *err) MUST_CHECK;
/* Once. Handles are not stable over removals: list again after each. */
bool wsman_acl_remove(struct connection *connection, uint32_t handle, struct error *err) MUST_CHECK;
bool wsman_acl_enable(struct connection *connection, uint32_t handle, bool enabled,
                      struct error *err) MUST_CHECK;

/* ---- keys and certificates ------------------------------------------------------------------------ */

struct stored_key {
    char id[WSMAN_ID_SIZE];
    struct bytes public_key; /* PKCS#1 RSAPublicKey, DER */
};

struct stored_key_list {
    struct stored_key *keys;
    size_t count;
};

struct stored_certificate {
    char id[WSMAN_ID_SIZE];
    char issuer[WSMAN_NAME_SIZE], subject[WSMAN_NAME_SIZE]; /* in AMT's own form; "" */
    bool trusted_root;
    bool read_only; /* AMT's own; cannot be deleted */
    struct bytes der;
};

struct stored_certificate_list {
    struct stored_certificate *certificates;
    size_t count;
};

bool wsman_keys_list(struct connection *connection, struct stored_key_list *keys,
                     struct error *err) MUST_CHECK;
void stored_key_list_free(struct stored_key_list *keys);
bool wsman_key_get(struct connection *connection, const char *id, struct stored_key *key,
                   struct error *err) MUST_CHECK;
void stored_key_clear(struct stored_key *key);
/* Once. RSA of that many bits, made in firmware; REASON_FIRMWARE_BUSY while it cannot (new firmware makes its
 * own first), REASON_UNSUPPORTED or ERROR_ABSENT where it never can: make one here and use wsman_key_add().
 * id: WSMAN_ID_SIZE. */
bool wsman_key_generate(struct connection *connection, unsigned bits, char *id, struct error *err) MUST_CHECK;
/* Once. rsa_private_key: PKCS#1 RSAPrivateKey, DER. ERROR_CONFLICT: it is there already. */
bool wsman_key_add(struct connection *connection, const struct secret *rsa_private_key, char *id,
                   struct error *err) MUST_CHECK;
bool wsman_key_delete(struct connection *connection, const char *id, struct error *err) MUST_CHECK;

enum signing_algorithm { SIGN_SHA1_RSA, SIGN_SHA256_RSA, SIGN_SHA384_RSA };

/* GeneratePKCS10RequestEx: firmware signs the CertificationRequestInfo of a request with a void signature
 * (see certificate_request.h). On true the caller frees *request. */
bool wsman_key_sign_request(struct connection *connection, const char *key_id,
                            enum signing_algorithm algorithm, const struct bytes *unsigned_request,
                            struct bytes *request, struct error *err) MUST_CHECK;

/* At most 4100 octets of DER. ERROR_CONFLICT: it is there already. id: WSMAN_ID_SIZE. */
bool wsman_certificate_add(struct connection *connection, const struct bytes *der, char *id,
                           struct error *err) MUST_CHECK;
bool wsman_trusted_root_add(struct connection *connection, const struct bytes *der, char *id,
                            struct error *err) MUST_CHECK;
bool wsman_certificates_list(struct connection *connection, struct stored_certificate_list *certificates,
                             struct error *err) MUST_CHECK;
void stored_certificate_list_free(struct stored_certificate_list *certificates);
bool wsman_certificate_delete(struct connection *connection, const char *id, struct error *err) MUST_CHECK;

/* ---- revoked certificates of clients in mutual TLS -------------------------------------------------- */

/* AMT_CRL: whether the firmware refuses exactly these serial numbers (big-endian). ERROR_ABSENT: it keeps no
 * such list. */
bool wsman_revocations_are(struct connection *connection, const struct bytes *serials, size_t count,
                           bool *same, struct error *err) MUST_CHECK;
/* In place of all that it has; none: of whatever it has nothing stays. */
bool wsman_revocations_set(struct connection *connection, const struct bytes *serials, size_t count,
                           struct error *err) MUST_CHECK;

/* ---- TLS ------------------------------------------------------------------------------------------ */

struct tls_credential { /* AMT_TLSCredentialContext: which certificate AMT's TLS server uses */
    bool present;
    char certificate_id[WSMAN_ID_SIZE];
    char collection[WSMAN_NAME_SIZE]; /* ElementName of the endpoint collection, as the device spells it */
};

bool wsman_tls_credential_get(struct connection *connection, struct tls_credential *credential,
                              struct error *err) MUST_CHECK;
/* ERROR_CONFLICT: there is one already; use the next. */
bool wsman_tls_credential_create(struct connection *connection, const char *certificate_id,
                                 struct error *err) MUST_CHECK;
bool wsman_tls_credential_replace(struct connection *connection, const char *certificate_id,
                                  struct error *err) MUST_CHECK;
/* As it was read; only while TLS is off. */
bool wsman_tls_credential_delete(struct connection *connection, const struct tls_credential *credential,
                                 struct error *err) MUST_CHECK;

#define TLS_SETTING_REMOTE "Intel(r) AMT 802.3 TLS Settings"
#define TLS_SETTING_LOCAL  "Intel(r) AMT LMS TLS Settings"
#define TLS_TRUSTED_CN_MAX 4

struct tls_setting {
    char id[WSMAN_ID_SIZE];
    bool enabled, mutual;
    bool has_accept_plain, accept_plain; /* AcceptNonSecureConnections */
    char trusted_cn[TLS_TRUSTED_CN_MAX][WSMAN_NAME_SIZE];
    size_t trusted_cn_count;
};

struct tls_setting_list {
    struct tls_setting settings[4];
    size_t count;
};

struct tls_setting_change {
    enum change enabled, mutual;
    enum change accept_plain;      /* leave it for the local interface */
    const char *const *trusted_cn; /* NULL: leave them */
    size_t trusted_cn_count;       /* at most TLS_TRUSTED_CN_MAX; 0 with trusted_cn not NULL: none */
};

bool wsman_tls_settings_list(struct connection *connection, struct tls_setting_list *list,
                             struct error *err) MUST_CHECK;
/* Staged: takes effect with wsman_setup_commit(), trusted_cn excepted. Get, and Put only if something
 * differs. */
bool wsman_tls_setting_change(struct connection *connection, const char *id,
                              const struct tls_setting_change *change, bool *changed,
                              struct error *err) MUST_CHECK;

/* ---- redirection, web interface, KVM, user consent -------------------------------------------------- */

struct redirection { /* AMT_RedirectionService */
    bool ide_redirection, serial_over_lan;
    bool listener; /* ports 16994 and 16995 */
};

bool wsman_redirection_get(struct connection *connection, struct redirection *redirection,
                           struct error *err) MUST_CHECK;
/* Get; RequestStateChange and Put where something differs. */
bool wsman_redirection_set(struct connection *connection, const struct redirection *redirection,
                           bool *changed, struct error *err) MUST_CHECK;

/* AMT_WebUIService; ERROR_ABSENT: this firmware has no web interface, which counts as off. */
bool wsman_web_interface_get(struct connection *connection, bool *enabled, struct error *err) MUST_CHECK;
bool wsman_web_interface_set(struct connection *connection, bool enabled, struct error *err) MUST_CHECK;

/* CIM_KVMRedirectionSAP; ERROR_ABSENT: no KVM on this computer. */
bool wsman_kvm_get(struct connection *connection, bool *enabled, struct error *err) MUST_CHECK;
bool wsman_kvm_set(struct connection *connection, bool enabled, struct error *err) MUST_CHECK;

struct kvm_settings_change {      /* IPS_KVMRedirectionSettingData; the RFB password stays */
    bool consent;                 /* OptInPolicy */
    unsigned consent_timeout_s;   /* 0: leave it */
    unsigned session_timeout_min; /* 0: leave it */
};

/* Get, and Put only if something differs. Port 5900, which is in clear, is switched off where the firmware
 * has it. ERROR_ABSENT: no KVM on this computer. */
bool wsman_kvm_settings_change(struct connection *connection, const struct kvm_settings_change *change,
                               bool *changed, struct error *err) MUST_CHECK;

#define CONSENT_REQUIRED_NONE 0u
#define CONSENT_REQUIRED_KVM  1u
#define CONSENT_REQUIRED_ALL  4294967295u

struct consent {       /* IPS_OptInService */
    uint32_t required; /* CONSENT_REQUIRED_... */
    bool changeable;   /* false in client control mode, or when locked in MEBx */
};

/* ERROR_ABSENT before AMT 6. */
bool wsman_consent_get(struct connection *connection, struct consent *consent, struct error *err) MUST_CHECK;
/* Get, and Put only if it differs. REASON_NOT_PERMITTED when it is not changeable. */
bool wsman_consent_set(struct connection *connection, uint32_t required, bool *changed,
                       struct error *err) MUST_CHECK;

/* ---- power ------------------------------------------------------------------------------------------ */

struct power_scheme {              /* AMT_SystemPowerScheme */
    char id[WSMAN_ID_SIZE];        /* "SCHEME 0" */
    char guid[WSMAN_ADDRESS_SIZE]; /* base64, as the device writes it */
    char description[WSMAN_NAME_SIZE];
    bool sleeping; /* AMT answers in S3 to S5 too, by its description */
    bool active;
};

struct power_scheme_list {
    struct power_scheme schemes[16];
    size_t count;
    bool active_known; /* false: the device does not say which one is active */
};

bool wsman_power_schemes_list(struct connection *connection, struct power_scheme_list *list,
                              struct error *err) MUST_CHECK;
bool wsman_power_scheme_set(struct connection *connection, const struct power_scheme *scheme,
                            struct error *err) MUST_CHECK;

/* ---- what else is read -------------------------------------------------------------------------------- */

struct ethernet_port { /* AMT_EthernetPortSettings */
    char id[WSMAN_ID_SIZE];
    char mac_address[WSMAN_ADDRESS_SIZE]; /* "aa-bb-cc-dd-ee-ff"; "" or all zero: there is no such port */
    char ip_address[WSMAN_ADDRESS_SIZE];  /* "" */
    bool dhcp, link_up;
    bool wireless;
};

struct ethernet_port_list {
    struct ethernet_port ports[8];
    size_t count;
};

bool wsman_ethernet_ports_list(struct connection *connection, struct ethernet_port_list *list,
                               struct error *err) MUST_CHECK;

/* CIM_SoftwareIdentity "AMT", e.g. "12.0.67"; with ".build" where the firmware tells it. */
bool wsman_firmware_version(struct connection *connection, char version[WSMAN_ADDRESS_SIZE],
                            struct error *err) MUST_CHECK;

struct host_based_setup {          /* IPS_HostBasedSetupService */
    unsigned current_control_mode; /* 0 not provisioned, 1 client, 2 admin */
    bool client_allowed, admin_allowed;
};

/* ERROR_ABSENT before AMT 6.2. */
bool wsman_host_based_setup_get(struct connection *connection, struct host_based_setup *setup,
                                struct error *err) MUST_CHECK;

/* ---- AMT_KerberosSettingData: wsman_kerberos.h; wireless and 802.1X: wsman_network.h ---------------------
 */

#endif
