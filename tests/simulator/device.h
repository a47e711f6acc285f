/*
 * device.h - one simulated computer: what its firmware knows and remembers.
 *
 * Data and the rules that hold for all of it (reset, clock, stores). What happens on its network is in
 * computer.h, what it says is in the class_*.c files.
 */
#ifndef SIMULATOR_DEVICE_H
#define SIMULATOR_DEVICE_H

#include "generation.h"
#include "hello.h"
#include "hold.h"
#include "login.h"
#include "misbehaviour.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <time.h>

enum provisioning_state { STATE_PRE = 0, STATE_IN = 1, STATE_POST = 2 };
enum control_mode { CONTROL_NONE = 0, CONTROL_CLIENT = 1, CONTROL_ADMIN = 2 };
enum mebx_policy { MEBX_DEFAULT_ONLY, MEBX_DURING_SETUP, MEBX_ANY_TIME };
enum hello_mode { HELLO_SCHEDULE, HELLO_MANUAL };
enum tls_instance { TLS_NETWORK, TLS_LOCAL, TLS_INSTANCES };
enum amt_presence { AMT_ON, AMT_SWITCHED_OFF, AMT_ABSENT }; /* switched off: by the host's software */
enum automatic { AUTOMATIC, AUTOMATIC_YES, AUTOMATIC_NO };

enum {
    REALM_TEXT_ROOM = 64,
    USER_NAME_ROOM = 17,
    SID_MAX_LENGTH = 28,
    ACL_MAX_DIGEST = 7, /* beside admin and the system's own */
    ACL_MAX_KERBEROS = 32,
    ACL_MAX = ACL_MAX_DIGEST + ACL_MAX_KERBEROS + 2,
    STORE_MAX_CERTIFICATES = 24, /* not published [inferred] */
    STORE_MAX_KEYS = 8,          /* not published [inferred] */
    CERTIFICATE_MAX_LENGTH = 4100,
    TRUSTED_NAMES_MAX = 4,
    SPN_MAX = 4,
    ENUMERATIONS_MAX = 8,
    OTP_MAX = 32,
    PID_LENGTH = 8,
    PPS_LENGTH = 32,
    CRL_MAX = 4,
    SERIAL_MAX_LENGTH = 20,     /* RFC 5280 4.1.2.2 */
    REVOCATIONS_LONGEST = 1424, /* CrlStoreSize of an AMT 3.0.5 */
    DOMAINS_MAX = 5,            /* of environment detection */
    HASHES_CUSTOM_MAX = 3,
    TICKETS_SEEN_MAX = 256, /* not published [inferred] */
    NO_HANDLE = -1,
};

struct acl_entry {
    uint32_t handle;
    char user[USER_NAME_ROOM]; /* empty: a Kerberos entry */
    unsigned char a1[DIGEST_A1_LENGTH];
    unsigned char sid[SID_MAX_LENGTH];
    uint8_t sid_length;
    uint8_t access; /* 0 local, 1 network, 2 both */
    bool enabled;
    uint32_t realms; /* bit n: realm n */
};

struct stored_key {
    uint32_t handle;
    EVP_PKEY *key; /* a reference of its own */
};

struct stored_certificate {
    uint32_t handle;
    unsigned char *der;
    size_t length;
    bool trusted_root, read_only;
    bool sent; /* an authority that follows the leaf in the TLS handshake */
    bool slot; /* put there by SetTLSKeyAndCertificate, which replaces what it put */
};

struct tls_settings {
    bool enabled, mutual, accept_plain;
};

struct general_settings {
    uint32_t network_enabled, ddns_interval_min, ddns_ttl_s, dhcp_sync_host_name, dhcpv6_timeout_s,
        idle_wake_min, preferred_family, presence_interval_min, thunderbolt_dock;
    bool ddns_by_dhcp, ddns, interface_enabled, ping, rmcp_ping, shared_fqdn, wsman_only;
    char *domain, *host, *host_os_fqdn;
};

struct ethernet_settings {
    bool dhcp, ip_sync, shared_static;
    char *address, *mask, *gateway, *dns1, *dns2;
    unsigned char link_policy[4];
    unsigned link_policies;
    uint16_t vlan; /* tag; 0: none */
};

/* A list of revoked certificates, as SetCRL writes it. */
struct revocations {
    char *url;
    char **serials; /* base64 of each */
    unsigned count;
};

struct kerberos_settings {
    bool enabled, cached, has_master_key;
    char *realm, *passphrase, *salt;
    char *spn[SPN_MAX];
    uint16_t protocol[SPN_MAX];
    unsigned spns;
    uint32_t key_version, iterations, tolerance_min;
    unsigned char master_key[16];
};

struct seen_ticket {
    unsigned char hash[32]; /* SHA-256 of the KRB_AP_REQ */
    time_t until;           /* by the computer's clock; later its time stamp is refused anyway */
};

/* Logins of directory users: the last one let in, why the last one was not, and what must not come again. */
struct kerberos_memory {
    char *client, *encryption, *refusal;
    struct seen_ticket *seen;
    size_t seen_count;
};

/* EAP parameters of the wired profile or of one wireless profile. */
struct eap_settings {
    int protocol; /* NO_HANDLE: none */
    char *user, *password, *domain, *roaming_identity, *server_name, *pac_password;
    int comparison;
    int32_t client_certificate, ca_certificate; /* handles or NO_HANDLE */
};

struct wifi_profile {
    char *name, *ssid, *passphrase;
    uint32_t priority, authentication, encryption, bss;
    bool has_psk, has_eap;
    unsigned char psk[32];
    struct eap_settings eap;
    struct wifi_profile *next;
};

struct enumeration {
    uint32_t context; /* 0: slot not in use */
    const void *class;
    unsigned next;
    double touched; /* seconds, monotonic */
};

/* Counted since the computer was made. */
struct counters {
    uint64_t requests, connections, tls_accepted, tls_resumed, tls_failed, failed_logins, locked_logins,
        stale_logins, kerberos_logins, kerberos_failures, writes, hellos, hellos_failed, faults,
        refused_connections, eoi_calls, host_calls;
    uint32_t *eoi_by_name;                    /* in the order of service_call_name(); owned, NULL: none yet */
    uint32_t failed_logins_in_connection_max; /* the most within one TCP connection */
    uint32_t failed_logins_in_contact,
        failed_logins_in_contact_max; /* a contact: from one Hello to the next */
};

/* How this computer decides where published descriptions leave it open; set per computer (settings.h). */
struct switches {
    uint32_t challenge;         /* enum automatic: Digest in PKI setup */
    bool challenge_after_admin; /* without a challenge before: ask after SetAdminAclEntryEx */
    uint32_t alert;             /* TLS alert for a refused setup certificate */
    uint32_t chain_max;
    bool one_setup_connection;
    bool read_alternative_names; /* the domain check also reads subjectAltName */
    struct nonce_limits nonce;
    bool stale_shown;    /* 401 for an old nonce says stale="true" */
    uint32_t restart_ms; /* listeners closed after CommitChanges and the like */
    bool cut_before_answer;
    bool local_tls_blocks_commit; /* setup: CommitChanges does nothing when local TLS is enabled too */
    uint32_t commit_wants_mebx;   /* enum automatic */
    uint32_t commit_wants_seed;   /* enum automatic: the random generator's key, in enterprise setup */
    bool wsman_in_setup;          /* old firmware: WS-Management answers before setup is over */
    bool eoi_strict;              /* elements out of order or unknown are a fault of the client */
    uint32_t realm_form;          /* enum automatic: yes is the one with the UUID */
    uint32_t identity_dates;      /* enum automatic: yes is valid */
    uint32_t renegotiation_info;  /* enum automatic: RFC 5746 */
    uint32_t resumption;          /* enum automatic: TLS sessions are kept, RFC 5246 7.3 */
    uint32_t setup_chain_bytes;   /* 0: as the generation */
    uint32_t request_bits;        /* of the key that GetServerCertificateReq makes */
    bool acl_renumbered;          /* handles move down after a removal */
    uint32_t acl_page, pull_page, domains_max;
    bool revocations_ignored;       /* what AddCRL or SetCRL named is let in nevertheless */
    uint32_t otp_padding;           /* enum automatic */
    uint32_t after_unprovision;     /* enum after_unprovision */
    uint32_t internal_fault_status; /* HTTP status of Receiver faults */
    uint32_t window_h;              /* setup ends so many hours after it began; simulated time */
    bool short_banner;              /* Server: AMT */
};

enum after_unprovision { UNPROVISION_AUTO, UNPROVISION_TO_PRE, UNPROVISION_TO_IN };

struct device {
    /* What it is. */
    unsigned char uuid[UUID_LENGTH];
    char uuid_text[UUID_TEXT_ROOM];
    struct in_addr address;
    char address_text[INET_ADDRSTRLEN];
    const struct generation *generation;
    bool mobile, wifi;
    bool twin;              /* has the UUID of another on purpose; only its address names it */
    bool link_down;         /* no cable in the wired port */
    uint32_t presence;      /* enum amt_presence */
    uint32_t hello_mode;    /* enum hello_mode */
    uint32_t initial_state; /* enum provisioning_state; where a reset leads */
    char *initial_admin_password, *initial_mebx_password, *initial_suffix; /* NULL: factory */
    int64_t initial_clock_offset_s;
    struct root_hash *hashes;
    size_t hash_count;
    struct switches switches;

    /* What its firmware has in flash. */
    uint32_t state; /* enum provisioning_state */
    uint32_t mode;  /* before 6.0: 1 enterprise, 2 small business */
    uint32_t control_mode;
    char realm[REALM_TEXT_ROOM];
    char admin_user[USER_NAME_ROOM];
    unsigned char admin_a1[DIGEST_A1_LENGTH];
    bool admin_is_default;
    char *mebx_password;
    bool mebx_is_default;
    uint32_t mebx_policy; /* enum mebx_policy */
    char *suffix, *option15, *server_fqdn;
    unsigned char otp[OTP_MAX];
    size_t otp_length;
    bool zero_touch;
    int64_t clock_offset_s; /* against the host's clock */
    bool clock_set, seeded; /* seeded: SetRngKey, or an agent on the computer itself */
    uint32_t local_time_sync;
    struct general_settings general;
    struct ethernet_settings ethernet;
    struct acl_entry *acl;
    size_t acl_count;
    bool plain_digest_allowed; /* AllowHttpQopAuthOnly */
    struct stored_key keys[STORE_MAX_KEYS];
    size_t key_count;
    struct stored_certificate *certificates;
    size_t certificate_count;
    int32_t credential,
        credential_in_force; /* certificate handles: TLSCredentialContext as written, as committed */
    struct tls_settings tls[TLS_INSTANCES], tls_in_force[TLS_INSTANCES];
    char *trusted_names[TLS_INSTANCES][TRUSTED_NAMES_MAX];
    uint32_t redirection; /* EnabledState */
    bool listener_enabled, web_ui, kvm_enabled, kvm_by_mebx, kvm_5900, kvm_consent, auditor_lock;
    uint32_t kvm_consent_timeout_s, kvm_session_timeout_min, kvm_screen;
    char *rfb_password;
    uint32_t consent_required, consent_modifiable, consent_code_timeout_s, consent_display_timeout_s;
    uint32_t power_scheme; /* index */
    struct kerberos_settings kerberos;
    char pid[PID_LENGTH + 1], pps[PPS_LENGTH + 1]; /* empty: none */
    EVP_PKEY *request_key;                         /* of GetServerCertificateReq; a reference of its own */
    struct revocations revocations[CRL_MAX];
    uint32_t realm_options[32]; /* words of service_access.c */
    char *environment_domains[DOMAINS_MAX];
    uint32_t environment_policy;
    bool has_environment_policy, vpn_routing;
    struct eap_settings wired;
    bool wired_in_s0;
    uint32_t wired_enabled, wired_pxe_timeout_s; /* IPS_IEEE8021xSettings.Enabled */
    struct wifi_profile *wifi_profiles;
    uint32_t wifi_state, wifi_sync;
    bool wifi_uefi_share;
    char *wifi_connected;    /* name of the profile that the firmware is connected with; NULL: none */
    unsigned char nonce[20]; /* ConfigurationNonce */

    /* What it remembers while it runs. */
    struct login login;
    struct kerberos_memory kerberos_memory;
    uint32_t acl_version; /* rises with every change; cached logins of older versions are void */
    struct enumeration enumerations[ENUMERATIONS_MAX];
    uint32_t last_context;
    uint64_t last_message;
    uint32_t window_extension_h;
    uint32_t retry;        /* Hellos since setup began */
    uint32_t tls_restarts; /* TLS sessions of before are void */
    struct misbehaviour *misbehaviours;
    struct hold hold;
    bool frozen; /* its network carries nothing, as when a cable is pulled */
    struct counters counters;
    char *transcript;          /* file that every request is added to, as it came; NULL: none */
    char *last_refusal;        /* why the last setup certificate was refused */
    char *accepted_name;       /* CN of the setup certificate that was accepted last */
    X509 *identity;            /* made when first needed */
    struct computer *computer; /* its network; NULL: none */
};

extern const char factory_password[]; /* of admin and MEBx */

struct device *device_create(void);
void device_destroy(struct device **device);
/* Back to how it left the factory, plus what the fleet file said; goes to initial_state. */
void device_reset(struct device *device);
void device_unprovision(struct device *device, bool partial);
/* What it does not have in flash is gone: staged TLS settings, nonces, logins, lists being read. */
void device_power_loss(struct device *device);
void device_set_admin_password(struct device *device, const char *password);
void device_new_nonce(struct device *device);

time_t device_clock(const struct device *device);
double monotonic_s(void);
bool device_challenges(const struct device *device);
bool device_credentials_set(const struct device *device);
void device_acl_changed(struct device *device);

void device_clear_acl(struct device *device); /* the system's entries remain */
struct stored_certificate *device_certificate(struct device *device, int64_t handle); /* NULL: none */
struct stored_key *device_key(struct device *device, int64_t handle);
struct stored_certificate *device_add_certificate(struct device *device, const unsigned char *der,
                                                  size_t length);
void device_remove_certificate(struct device *device, uint32_t handle);
struct stored_key *device_add_key(struct device *device, EVP_PKEY *key); /* takes its own reference */
void device_remove_key(struct device *device, uint32_t handle);
/* Removes what SetTLSKeyAndCertificate put and later calls replaced. */
void device_drop_replaced(struct device *device);
bool device_has_trusted_root(const struct device *device);
/* The stored key of this certificate; NULL: none. */
struct stored_key *device_key_of(struct device *device, const struct stored_certificate *certificate);

bool device_has_wifi(const struct device *device);
enum { MAC_LENGTH = 6 };
/* Of the wired (0) or wireless (1) port; zeros where there is none. */
void device_mac(const struct device *device, unsigned port, unsigned char mac[MAC_LENGTH]);
/* A Digest realm that names a UUID names this one from now on, and admin's default password holds there. */
void device_pretend_uuid(struct device *device, const unsigned char uuid[UUID_LENGTH]);
/* After a change of the MEBx password: that of admin, while it is the default. */
void device_default_admin(struct device *device);
void device_forget_revocations(struct device *device);
void device_forget_revocations_from(struct device *device, unsigned place);
bool device_switch(uint32_t wanted, bool automatic); /* wanted: enum automatic */

/* Packages of the firmware: two since 6.0, seven on the desktops before. GUIDs are base64 of 16 bytes. */
unsigned power_schemes(const struct device *device);
const char *power_scheme_description(const struct device *device, uint32_t index);
const char *power_scheme_guid(const struct device *device, uint32_t index);

void kerberos_release(struct kerberos_settings *kerberos);
void eap_release(struct eap_settings *eap);
void wifi_profile_release(struct wifi_profile **profile);

#endif
