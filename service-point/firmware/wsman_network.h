/*
 * wsman_network.h - wireless and IEEE 802.1X in firmware (spec O8.4).
 *
 * As wsman.h says of all calls. Passphrases and passwords are written and never read back, so what is read
 * cannot tell whether they are the right ones. Certificates are named by their InstanceIDs, as
 * wsman_certificates_list() gives them. All takes effect at once, without a commit.
 */
#ifndef FIRMWARE_WSMAN_NETWORK_H
#define FIRMWARE_WSMAN_NETWORK_H

#include "common/message.h"
#include "firmware/wsman.h"

#define WIRELESS_SSID_SIZE     33 /* 32 octets and the NUL */
#define WIRELESS_PROFILES_READ 32 /* AMT holds 8 of users and 16 of administrators */

/* ---- CIM_WiFiPort ------------------------------------------------------------------------------------- */

#define WIRELESS_PORT_ON 32769 /* in S0, and with mains power in S3 to S5 */

struct wireless_port {
    unsigned state; /* 3 off, 32768 on in S0, WIRELESS_PORT_ON */
    bool is_real;   /* false: some firmware shows one without hardware, with an address of zeros */
};

/* ERROR_ABSENT: no wireless. */
bool wsman_wireless_port_get(struct connection *connection, struct wireless_port *port,
                             struct error *err) MUST_CHECK;
bool wsman_wireless_port_set(struct connection *connection, unsigned state, struct error *err) MUST_CHECK;

/* ---- profiles: CIM_WiFiEndpointSettings, AMT_WiFiPortConfigurationService ------------------------------ */

struct stored_eap {
    unsigned protocol;
    char username[WSMAN_NAME_SIZE], domain[WSMAN_NAME_SIZE], roaming_identity[WSMAN_NAME_SIZE];
    char server_name[WSMAN_NAME_SIZE];
    bool suffix_match; /* of the server's name */
};

/* Whether they say the same, but for password and certificates. */
bool stored_eap_fits(const struct stored_eap *stored, const struct eap_settings *wanted);

struct stored_wireless {
    char id[WSMAN_ID_SIZE];
    char name[WSMAN_ID_SIZE], ssid[WIRELESS_SSID_SIZE];
    unsigned priority; /* 0: the host user's, synchronised; not ours to touch */
    unsigned authentication, encryption;
    bool has_eap;
    struct stored_eap eap;
};

struct stored_wireless_list {
    struct stored_wireless profiles[WIRELESS_PROFILES_READ];
    size_t count;
};

/* With the EAP settings of those that have some. */
bool wsman_wireless_list(struct connection *connection, struct stored_wireless_list *list,
                         struct error *err) MUST_CHECK;
/* REASON_NOT_PERMITTED: it is in use. */
bool wsman_wireless_delete(struct connection *connection, const char *id, struct error *err) MUST_CHECK;

struct network_certificates { /* InstanceIDs; NULL: none */
    const char *client, *root;
};

/* Once. ERROR_CONFLICT: name or priority are taken; REASON_UNSUPPORTED: the firmware has no such
 * authentication. */
bool wsman_wireless_add(struct connection *connection, const struct wireless_profile *profile,
                        const struct network_certificates *certificates, struct error *err) MUST_CHECK;
/* In place of the stored one of that InstanceID, which may be in use. */
bool wsman_wireless_replace(struct connection *connection, const char *id,
                            const struct wireless_profile *profile,
                            const struct network_certificates *certificates, struct error *err) MUST_CHECK;

/* localProfileSynchronizationEnabled. Get, and Put only if it differs. SYNCHRONIZE_ALL becomes
 * SYNCHRONIZE_USER where the firmware does not know it: *given says what was taken. */
bool wsman_wireless_synchronize(struct connection *connection, enum wireless_synchronization wanted,
                                enum wireless_synchronization *given, bool *changed,
                                struct error *err) MUST_CHECK;

/* ---- wired 802.1X: IPS_IEEE8021xSettings, before that AMT_8021XProfile --------------------------------- */

enum wired_class { WIRED_UNKNOWN, WIRED_SETTINGS, WIRED_PROFILE };

struct stored_wired {
    enum wired_class class; /* which of the two the firmware has */
    bool enabled;
    struct stored_eap eap; /* when enabled */
    uint32_t pxe_timeout_s;
    bool active_in_s0;
};

/* ERROR_ABSENT: neither. */
bool wsman_wired_get(struct connection *connection, struct stored_wired *wired, struct error *err) MUST_CHECK;
/* In full, certificates too; wanted->eap NULL switches it off. */
bool wsman_wired_set(struct connection *connection, enum wired_class class, const struct wired_8021x *wanted,
                     const struct network_certificates *certificates, struct error *err) MUST_CHECK;

/* ---- who uses which certificate: CIM_CredentialContext and its kind ------------------------------------ */

struct certificate_use {
    char certificate_id[WSMAN_ID_SIZE];
    char user_id[WSMAN_ID_SIZE]; /* InstanceID of the CIM_IEEE8021xSettings, or of the wired settings */
    bool wired;
};

struct certificate_use_list {
    struct certificate_use uses[64];
    size_t count;
};

/* Adds those of wireless profiles. ERROR_ABSENT: the firmware does not tell. */
bool wsman_wireless_uses(struct connection *connection, struct certificate_use_list *list,
                         struct error *err) MUST_CHECK;
/* Adds those of the wired settings. ERROR_ABSENT: the firmware does not tell. */
bool wsman_wired_uses(struct connection *connection, enum wired_class class,
                      struct certificate_use_list *list, struct error *err) MUST_CHECK;
/* Whether the use is that of the wireless profile of that name. */
bool certificate_use_is_of(const struct certificate_use *use, const char *profile_name);

#endif
