/*
 * message.h - the messages of proto/provisioning.proto as plain structs.
 *
 * Only message_read*.c and message_write*.c see generated protobuf types. Decoding checks lengths,
 * enumerations and presence; what it hands out can be used without further checks of form. Two steps, so that
 * nothing of a body is read before the sender is known to be allowed to say it: envelope_read() looks at
 * version, kind and correlation only, message_read() at the body.
 *
 * A struct message owns everything in it and is ended with message_free(), which wipes secrets. The
 * same structs are filled by the sender; message_write() borrows.
 */
#ifndef COMMON_MESSAGE_H
#define COMMON_MESSAGE_H

#include <stdint.h>

#include "error.h"
#include "known_set.h"
#include "secret.h"
#include "uuid.h"

#define MESSAGE_VERSION        1
#define MESSAGE_VERSION_OLDEST 1
#define MESSAGE_MAX_BYTES      (256 * 1024)
#define MESSAGE_TEXT_MAX_BYTES 4096 /* no text of the dialogue is longer */

enum message_kind { /* numbers of the .proto file */
                    MESSAGE_REGISTER = 1,
                    MESSAGE_WELCOME,
                    MESSAGE_HEARTBEAT,
                    MESSAGE_HELLO_SEEN,
                    MESSAGE_HELLO_VERDICT,
                    MESSAGE_JOB_OFFER,
                    MESSAGE_JOB_ACCEPT,
                    MESSAGE_JOB_DECLINE,
                    MESSAGE_STEP_FINISHED,
                    MESSAGE_ACCOUNT_WANTED,
                    MESSAGE_ACCOUNT,
                    MESSAGE_CERTIFICATE_WANTED,
                    MESSAGE_CERTIFICATE,
                    MESSAGE_LEASE_EXTEND,
                    MESSAGE_JOB_FINISHED,
                    MESSAGE_JOB_CLOSED,
                    MESSAGE_REFUSED,
                    MESSAGE_ENROL = 32, /* from here on: client agents */
                    MESSAGE_ENROLLED,
                    MESSAGE_POLICY_WANTED,
                    MESSAGE_POLICY,
                    MESSAGE_CHECK_FAILED,
                    MESSAGE_NOTED,
                    MESSAGE_OTP_REGISTER,
                    MESSAGE_OTP_REGISTERED,
                    MESSAGE_ACTIVATED,
};

#define MESSAGE_KIND_LAST MESSAGE_ACTIVATED

struct attempt_id {
    uint64_t job;
    uint32_t attempt; /* from 1 */
};

struct root_hash {
    uint8_t algorithm; /* 1 SHA-1, 2 SHA-256, 3 SHA-384 */
    uint8_t length;    /* 20, 32, 48 */
    uint8_t hash[48];
};

struct provisioning_certificate_info {
    char *subject, *root_subject;
    struct root_hash root_hashes[3];
    size_t root_hash_count;
    int64_t not_after_s; /* 0: not said */
    struct bytes *chain; /* DER, leaf first, root last */
    size_t chain_count;  /* 0: not said */
};

struct counter {
    char *name;
    uint64_t value;
};

struct message_register {
    char *name, *software_version;
    uint32_t slots, free;
    char **subnets;
    size_t subnet_count;
    struct provisioning_certificate_info *certificates;
    size_t certificate_count;
    struct attempt_id *running;
    size_t running_count;
    uint64_t process, session;    /* process 0: not told */
    struct bytes console_request; /* PKCS#10, DER; empty: none wanted */
    bool hears_known;             /* takes a WELCOME that it did not ask for */
};

#define CONSOLE_CERTIFICATES_MAX  8  /* one of each authority */
#define REVOKED_CONSOLES_MAX      48 /* AMT 3 stores 1424 bytes */
#define PROFILE_TRUSTED_NAMES_MAX 3  /* AMT holds four, and one is the service points' */

struct message_welcome {
    char *site, *software_version;
    uint32_t heartbeat_s, lease_s;
    struct bytes
        *console_certificates; /* DER, for computers in mutual TLS; the authority that issues now first */
    size_t console_certificate_count;
    struct known_set known; /* computers; no bits: not told */
};

struct message_heartbeat {
    uint32_t free;
    struct attempt_id *running;
    size_t running_count;
    struct counter *counters;
    size_t counter_count;
};

struct message_hello_seen {
    struct uuid uuid;
    char *address;
    uint32_t retry_count;
    bool credentials_set;
    struct root_hash *root_hashes;
    size_t root_hash_count;
    int64_t seen_at_ms;
};

struct message_hello_verdict {
    struct uuid uuid;
    bool offered;
    enum reason_code reason;
    char *text;
};

struct account {
    char *reference, *username;
    struct secret *password;
};

struct user_entry { /* username and password, or sid */
    char *username;
    struct secret *password;
    struct bytes sid;
    uint32_t access; /* 0 local, 1 network, 2 both */
    uint32_t *realms;
    size_t realm_count;
    uint64_t password_version; /* 0: not told */
    bool password_changed;     /* the computer is not known to have this password */
};

/* Spec O8.4. The numbers are AMT's (AMT SDK: CIM_IEEE8021xSettings, CIM_WiFiEndpointSettings). */
enum eap_protocol { EAP_TLS, EAP_TTLS_MSCHAPV2, EAP_PEAP_MSCHAPV2 };
enum server_name_match { SERVER_NAME_FULL, SERVER_NAME_SUFFIX };
enum wireless_authentication {
    WIRELESS_WPA_PSK = 4,
    WIRELESS_WPA_8021X = 5,
    WIRELESS_WPA2_PSK = 6,
    WIRELESS_WPA2_8021X = 7,
    WIRELESS_WPA3_SAE = 32768,
};
enum wireless_encryption { WIRELESS_TKIP = 3, WIRELESS_CCMP = 4, WIRELESS_GCMP_256 = 32768 };
enum wireless_synchronization { SYNCHRONIZE_LEAVE, SYNCHRONIZE_OFF, SYNCHRONIZE_USER, SYNCHRONIZE_ALL };

struct eap_settings {
    enum eap_protocol protocol;
    char *username;
    struct secret *password;         /* NULL with EAP-TLS, and only there */
    char *domain, *roaming_identity; /* may be NULL */
    char *server_name;               /* of the RADIUS server; NULL: any */
    enum server_name_match server_name_match;
    struct bytes trusted_root; /* of the RADIUS server, DER */
};

struct wireless_profile {
    char *name, *ssid;
    uint32_t priority; /* 1 to 255; 1 is the highest */
    enum wireless_authentication authentication;
    enum wireless_encryption encryption;
    struct secret *passphrase; /* either this */
    struct eap_settings *eap;  /* or this */
    uint64_t password_version; /* of either's password; 0: not told */
    bool password_changed;     /* the computer is not known to have it */
};

struct wireless_settings {
    struct wireless_profile *profiles;
    size_t count;
    enum wireless_synchronization synchronization;
};

struct wired_8021x {
    struct eap_settings *eap; /* NULL: switched off */
    uint32_t pxe_timeout_s;
    bool active_in_s0;
    uint64_t password_version; /* 0: not told */
    bool password_changed;     /* the computer is not known to have it */
};

/* Spec O8.3: the computer's account in the directory, with a key for either kind of firmware. */
struct kerberos_account {
    char *realm; /* upper case */
    char **principals;
    size_t principal_count;
    uint32_t key_version;
    struct secret *passphrase; /* AMT 8.0 and later; NULL: not given */
    char *salt;                /* with the passphrase */
    uint32_t iterations;       /* with the passphrase */
    struct secret *master_key; /* 16 octets, before AMT 8.0; NULL: not given */
    bool key_is_new;           /* the firmware is not known to have it, whatever version it shows */
};

enum first_stage { FIRST_STAGE_AUTO, FIRST_STAGE_EOI, FIRST_STAGE_WSMAN };
enum user_consent { CONSENT_NONE, CONSENT_KVM, CONSENT_ALL };

struct profile {
    char *name;
    enum first_stage first_stage;
    bool ping, web_interface, serial_over_lan, ide_redirection, kvm, always_on, mutual_tls;
    enum user_consent user_consent;
    struct user_entry *users;
    size_t user_count;
    struct wireless_settings *wireless;                      /* NULL: left as it is */
    struct wired_8021x *wired_8021x;                         /* NULL: left as it is */
    uint32_t kvm_session_timeout_min, kvm_consent_timeout_s; /* 0: left as it is */
    char **trusted_names;                                    /* with mutual_tls */
    size_t trusted_name_count;                               /* 0: any name */
};

struct message_job_offer {
    struct attempt_id id;
    char *kind;
    uint32_t lease_s, deadline_s;
    struct uuid uuid;
    char *address;
    uint16_t port;
    char *host_name, *domain;
    char *firmware_version; /* NULL: not known */
    struct root_hash *root_hashes;
    size_t root_hash_count;
    struct account *accounts;
    size_t account_count;
    struct secret *admin_password; /* to be set, or believed to be there; NULL: none is known */
    struct secret *mebx_password;  /* NULL: leave it */
    struct profile profile;
    struct bytes *issuers;
    size_t issuer_count;
    bool directory_configured;
    struct bytes otp_salt, otp_hash;   /* empty: none expected */
    char *domain_suffix;               /* NULL: not known */
    char *former_address;              /* where it proved itself last; NULL: nowhere else */
    struct kerberos_account *kerberos; /* NULL: none */
    struct bytes certificate;          /* DER; that the firmware is known to use; empty: none of ours */
    struct bytes *revoked_consoles;    /* serial numbers, big-endian */
    size_t revoked_console_count;
};

struct message_job_decline {
    struct attempt_id id;
    enum reason_code reason;
    char *text;
};

enum step_outcome { STEP_DONE = 1, STEP_UNCHANGED, STEP_SKIPPED, STEP_FAILED };

struct step_report {
    char *number, *name;
    int64_t started_ms, finished_ms;
    enum step_outcome outcome;
    enum reason_code reason; /* REASON_NONE where there is none */
    char *detail;            /* may be NULL */
};

struct message_step_finished {
    struct attempt_id id;
    struct step_report *steps;
    size_t step_count;
};

struct message_account_wanted {
    struct attempt_id id;
    char *firmware_version; /* NULL: not known */
};

struct message_account {
    struct attempt_id id;
    bool configured;
    struct kerberos_account *kerberos; /* NULL: none */
};

/* Of computers, and of whoever opens them in mutual TLS; the last one never stands in CERTIFICATE_WANTED. */
enum certificate_usage { CERTIFICATE_SERVER, CERTIFICATE_CLIENT, CERTIFICATE_CONSOLE };

/* AMT SDK, "Mutual authentication": the extended key usage, beside clientAuth, of a remote console. */
#define REMOTE_CONSOLE_USAGE "2.16.840.1.113741.1.2.1"

struct message_certificate { /* also CERTIFICATE_WANTED, where der is the PKCS#10 request */
    struct attempt_id id;
    struct bytes der;
    enum certificate_usage usage; /* of CERTIFICATE_WANTED */
    char *firmware_version;       /* of CERTIFICATE_WANTED; NULL: not known */
};

struct message_lease_extend {
    struct attempt_id *running;
    size_t running_count;
};

enum password_state { PASSWORD_UNTOUCHED = 1, PASSWORD_SENT, PASSWORD_SET, PASSWORD_NOT_PERMITTED };

/* What the firmware says of its MEBx password, asked where it does not permit to set one. */
enum mebx_found { MEBX_NOT_ASKED, MEBX_FACTORY, MEBX_CHANGED };

struct user_written {
    char *username;
    uint64_t password_version;
};

struct network_written {
    char *wireless; /* name of the profile; NULL: wired 802.1X */
    uint64_t password_version;
};

struct message_job_finished {
    struct attempt_id id;
    bool done;
    enum reason_code reason;
    char *text;
    char *firmware_version; /* NULL: not learned */
    enum password_state admin_password, mebx_password;
    enum mebx_found mebx_found;
    char *account_used; /* reference; NULL: none needed, or none accepted */
    char **accounts_refused;
    size_t accounts_refused_count;
    struct bytes device_fingerprint;
    struct bytes certificate;
    struct step_report *steps;
    size_t step_count;
    char **settings; /* "name=value" */
    size_t setting_count;
    bool client_certificate_known;   /* it was looked for */
    struct bytes client_certificate; /* for 802.1X; empty: none is there */
    uint32_t amt_status;             /* as found, 2 to 4; 0: the job was not to find out */
    struct user_written *users;
    size_t user_count;
    struct network_written *networks;
    size_t network_count;
};

struct message_job_closed {
    struct attempt_id id;
    bool accepted;
    enum reason_code reason;
    char *text;
};

struct message_refused {
    enum reason_code reason;
    char *text;
};

/* ---- client agents (spec 3) ---- */

struct wired_address {
    char *address;        /* numeric; NULL: none is known */
    uint32_t prefix_bits; /* of its subnet; 0: not told */
};

enum setup_state { SETUP_PRE, SETUP_IN, SETUP_POST, SETUP_UNKNOWN }; /* AMT's provisioning state */
enum control_mode { CONTROL_NONE, CONTROL_CLIENT, CONTROL_ADMIN, CONTROL_UNKNOWN };

struct message_enrol {
    struct secret *token; /* NULL: the key is bound already, or so the agent believes */
    struct uuid uuid;
    char *agent_version;
    char *fqdn;        /* NULL: not known */
    char *amt_version; /* NULL: no AMT answered */
    struct wired_address wired;
    uint8_t mac[6];
    bool mac_known;
    char *dns_suffix;              /* NULL: not known */
    struct root_hash *root_hashes; /* the active ones */
    size_t root_hash_count;
    enum setup_state setup_state;
    enum control_mode control_mode;
    bool amt_disabled; /* in a way that the policy can change */
};

struct message_enrolled {
    char *site, *software_version;
};

struct message_policy {
    bool provision;
    enum reason_code reason; /* why not; REASON_NONE when it is to be provisioned */
    char *text;              /* same; may be NULL */
    struct root_hash *root_hashes;
    size_t root_hash_count;
    bool enable_amt;
    uint32_t come_back_s; /* 1 to 30 days */
};

struct message_check_failed {
    enum reason_code reason;
    char *text;
    uint32_t firmware_status; /* AMT_STATUS; 0: no call failed */
};

#define OTP_SALT_LEAST_BYTES 16
#define OTP_SALT_MOST_BYTES  64
#define OTP_HASH_BYTES       32 /* SHA-256 over salt and one-time password */

struct message_otp_register {
    struct uuid uuid;
    struct bytes salt, hash;
    char *fqdn, *amt_version; /* NULL: not known */
    struct wired_address wired;
};

struct message_otp_registered {
    uint32_t expires_s; /* from now */
};

struct message_activated {
    struct uuid uuid;
    struct wired_address wired; /* none: where OTP_REGISTER said */
};

struct message {
    enum message_kind kind;
    uint64_t correlation;
    union {
        struct message_register reg;
        struct message_welcome welcome;
        struct message_heartbeat heartbeat;
        struct message_hello_seen hello_seen;
        struct message_hello_verdict hello_verdict;
        struct message_job_offer job_offer;
        struct attempt_id job_accept;
        struct message_job_decline job_decline;
        struct message_step_finished step_finished;
        struct message_account_wanted account_wanted;
        struct message_account account;
        struct message_certificate certificate_wanted, certificate;
        struct message_lease_extend lease_extend;
        struct message_job_finished job_finished;
        struct message_job_closed job_closed;
        struct message_refused refused;
        struct message_enrol enrol;
        struct message_enrolled enrolled;
        struct message_policy policy;
        struct message_check_failed check_failed;
        struct message_otp_register otp_register;
        struct message_otp_registered otp_registered;
        struct message_activated activated;
    };
};

struct envelope {
    uint32_t version;
    enum message_kind kind;
    uint64_t correlation;
    uint8_t *body; /* owned; not yet looked at */
    size_t body_length;
};

/* "REGISTER" and so on; "?" for a number that is none. */
const char *message_kind_name(enum message_kind kind);

/* On true the caller ends *envelope with envelope_free(). */
bool envelope_read(const void *data, size_t length, struct envelope *envelope, struct error *err) MUST_CHECK;
void envelope_free(struct envelope *envelope); /* wipes; leaves it zeroed */
bool message_read(const struct envelope *envelope, struct message *message, struct error *err) MUST_CHECK;
/* The bytes hold what the message holds, secrets too: wipe them with message_bytes_free(). */
void message_write(const struct message *message, struct bytes *out);
void message_bytes_free(struct bytes *bytes);
void message_free(struct message *message); /* leaves it zeroed; accepts a zeroed one */

void account_clear(struct account *account);
void user_entry_clear(struct user_entry *user);
void profile_clear(struct profile *profile);
/* Each accepts NULL and leaves it. */
void eap_settings_free(struct eap_settings **eap);
void wireless_settings_free(struct wireless_settings **wireless);
void wired_8021x_free(struct wired_8021x **wired);
void kerberos_account_free(struct kerberos_account **kerberos);
void step_report_clear(struct step_report *step);

/* Length that a hash of this algorithm has on the wire, 0 for an unknown algorithm. */
size_t root_hash_length(unsigned algorithm);
const char *root_hash_algorithm_name(unsigned algorithm); /* "SHA-256"; "?" */

#endif
