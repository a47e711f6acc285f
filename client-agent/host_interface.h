/*
 * host_interface.h - the messages between a computer's operating system and its AMT firmware.
 *
 * PTHI, the host interface of AMT, and the three messages of the watchdog client that switch AMT on. Pure:
 * bytes in, bytes out; no device, no clock. Layouts: AMT SDK, "PTHI commands" (one page a command), and the
 * headers that Intel publishes with its local management service (HECI_if.h, AMTHIClient). All integers are
 * little-endian. Nothing that firmware says is believed: every length is checked before it is used, every
 * text is cut to its field and stripped of what cannot be printed.
 */
#ifndef CLIENT_AGENT_HOST_INTERFACE_H
#define CLIENT_AGENT_HOST_INTERFACE_H

#include <stdint.h>

#include "common/error.h"
#include "common/secret.h"
#include "common/uuid.h"

/* Clients of the management engine, in the byte order that the driver takes (mixed-endian GUID). */
enum { HOST_CLIENT_GUID_SIZE = 16 };
extern const uint8_t host_client_amt[HOST_CLIENT_GUID_SIZE];      /* 12F80028-B4B7-4B2D-ACA8-46E0FF65814C */
extern const uint8_t host_client_watchdog[HOST_CLIENT_GUID_SIZE]; /* 05B79A6F-4628-4D7F-899D-A91514CB32AB */

enum host_command {
    HOST_GET_PROVISIONING_STATE = 0x04000011,
    HOST_GET_CODE_VERSIONS = 0x0400001A,
    HOST_GENERATE_RNG_SEED = 0x04000028,
    HOST_START_CONFIGURATION = 0x04000029, /* before 6.0 */
    HOST_SET_PROVISIONING_SERVER_OTP = 0x0400002A,
    HOST_ENUMERATE_HASH_HANDLES = 0x0400002C,
    HOST_GET_CERTIFICATE_HASH_ENTRY = 0x0400002D,
    HOST_GET_RNG_SEED_STATUS = 0x0400002E,
    HOST_SET_DNS_SUFFIX = 0x0400002F, /* SetPkiFQDNSuffix */
    HOST_GET_ZERO_TOUCH_ENABLED = 0x04000030,
    HOST_GET_DNS_SUFFIX = 0x04000036, /* GetPkiFQDNSuffix */
    HOST_GET_LAN_INTERFACE_SETTINGS = 0x04000048,
    HOST_SET_HOST_FQDN = 0x0400005B,
    HOST_GET_UUID = 0x0400005C,
    HOST_STOP_CONFIGURATION = 0x0400005E,
    HOST_START_CONFIGURATION_EX = 0x04000062, /* since 6.0 */
    HOST_GET_CONTROL_MODE = 0x0400006B,       /* since 6.2 */
};

/* AMT_STATUS values that somebody here acts upon; host_status_name() knows the others too. */
enum host_status {
    HOST_SUCCESS = 0,
    HOST_NOT_READY = 2,
    HOST_INVALID_MODE = 3,
    HOST_RNG_GENERATION_IN_PROGRESS = 0x2F,
    HOST_RNG_NOT_READY = 0x30,
    HOST_CERTIFICATE_NOT_READY = 0x31,
};

enum host_provisioning_state { HOST_STATE_PRE = 0, HOST_STATE_IN = 1, HOST_STATE_POST = 2 };
enum host_rng_seed { HOST_SEED_EXISTS = 0, HOST_SEED_IN_PROGRESS = 1, HOST_SEED_NONE = 2 };
enum host_interface { HOST_LAN_WIRED = 0, HOST_LAN_WIRELESS = 1 };

enum {
    HOST_HEADER_SIZE = 12,
    HOST_REPLY_MIN_SIZE = HOST_HEADER_SIZE + 4, /* header and status */
    HOST_REQUEST_MAX_SIZE = HOST_HEADER_SIZE + 2 + 256,
    HOST_OTP_MIN_LENGTH = 8,
    HOST_OTP_MAX_LENGTH = 32,
    HOST_DNS_SUFFIX_MAX_LENGTH = 223,
    HOST_FQDN_MAX_LENGTH = 255,
    HOST_HASHES_MAX = 64, /* firmware has 23 slots before 7.0 and 33 since */
    HOST_HASH_MAX_LENGTH = 64,
    HOST_VERSIONS_MAX = 50,
};

/* ---- requests ---- */

struct host_request {
    uint8_t bytes[HOST_REQUEST_MAX_SIZE];
    size_t length;
};

/* May have held a one-time password. */
void host_request_wipe(struct host_request *request);

void host_request_plain(struct host_request *request, enum host_command command);
void host_request_number(struct host_request *request, enum host_command command, uint32_t number);
/* 8 to 32 bytes. Wipe the request when it has been sent. */
bool host_request_otp(struct host_request *request, const struct secret *otp, struct error *err) MUST_CHECK;
bool host_request_dns_suffix(struct host_request *request, const char *suffix, struct error *err) MUST_CHECK;
/* The length counts the NUL that ends the text, as Intel's own service sends it. */
bool host_request_host_fqdn(struct host_request *request, const char *fqdn, struct error *err) MUST_CHECK;

/* ---- replies ---- */

struct host_reply { /* borrows the bytes it was read from */
    enum host_command command;
    uint32_t status; /* enum host_status, or another AMT_STATUS */
    const uint8_t *payload;
    size_t length; /* of the payload, bytes; 0 with a status other than success */
};

/* True for every well-formed reply to that command, whatever its status. */
bool host_reply_read(const uint8_t *bytes, size_t length, enum host_command command, struct host_reply *reply,
                     struct error *err) MUST_CHECK;
/* False when the status is not success; the error names command, status and remedy. */
bool host_reply_succeeded(const struct host_reply *reply, struct error *err) MUST_CHECK;

struct host_version {
    char description[21], version[21];
};

struct host_versions {
    char bios[66];
    struct host_version entries[HOST_VERSIONS_MAX];
    size_t count;
};

struct host_hash_handles {
    uint32_t handles[HOST_HASHES_MAX];
    size_t count;
};

struct host_hash {
    bool is_default; /* of the manufacturer */
    bool active;
    uint8_t algorithm; /* 0 MD5, 1 SHA-1, 2 SHA-256, 3 SHA-384, 4 SHA-224, 5 SHA-512 */
    size_t length;     /* of the digest, bytes; 0: an algorithm that nobody knows */
    uint8_t digest[HOST_HASH_MAX_LENGTH];
    char name[33];
};

struct host_lan {
    bool enabled, dhcp, link_up;
    bool dhcp_active; /* the firmware asks for an address itself; false: it listens to the host's */
    uint32_t address; /* 0x01020304 is 1.2.3.4; 0: none yet */
    uint8_t mac[6];
};

/* Each wants a reply of its own command that succeeded. */
bool host_reply_number(const struct host_reply *reply, uint32_t *number, struct error *err) MUST_CHECK;
bool host_reply_uuid(const struct host_reply *reply, struct uuid *uuid, struct error *err) MUST_CHECK;
bool host_reply_versions(const struct host_reply *reply, struct host_versions *versions,
                         struct error *err) MUST_CHECK;
bool host_reply_hash_handles(const struct host_reply *reply, struct host_hash_handles *handles,
                             struct error *err) MUST_CHECK;
bool host_reply_hash(const struct host_reply *reply, struct host_hash *hash, struct error *err) MUST_CHECK;
bool host_reply_lan(const struct host_reply *reply, struct host_lan *lan, struct error *err) MUST_CHECK;
/* room counts the NUL; a longer text is refused. */
bool host_reply_text(const struct host_reply *reply, char *text, size_t room, struct error *err) MUST_CHECK;

/* "" when firmware does not name it. Descriptions are those of GetCodeVersions: "AMT", "Build Number" ... */
const char *host_version_of(const struct host_versions *versions, const char *description);
/* False when the version of "AMT" is not MAJOR.MINOR... */
bool host_release(const struct host_versions *versions, unsigned *major, unsigned *minor);

/* ---- the watchdog client: AMT switched off by software (AMT SDK, "State independence") ---- */

void host_request_change_enabled(struct host_request *request);
void host_request_operational_state(struct host_request *request, bool on);

struct host_switch {
    bool change_allowed; /* the host may switch AMT on and off */
    bool amt_on;
};

bool host_reply_change_enabled(const uint8_t *bytes, size_t length, struct host_switch *state,
                               struct error *err) MUST_CHECK;
bool host_reply_operational_state(const uint8_t *bytes, size_t length, struct error *err) MUST_CHECK;

/* ---- words ---- */

const char *host_command_name(enum host_command command);
/* "INVALID_AMT_MODE"; "an unknown status" for what is in no table. */
const char *host_status_name(uint32_t status);
/* What it means here and what to do about it, one clause; "" where the name says all that is known. */
const char *host_status_meaning(uint32_t status);
const char *host_hash_algorithm_name(uint8_t algorithm); /* "SHA-256"; "unknown" */

#endif
