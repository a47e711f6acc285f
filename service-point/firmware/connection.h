/*
 * connection.h - one authenticated TLS connection to the firmware of one device.
 *
 * Blocking: every call ends within the request's time-out and within the job's deadline, also when the
 * device sends a byte a second. One connection is used by one thread. The TCP connection behind it may
 * change: AMT closes it after every 400 and 401 and whenever its access control list changes; the next
 * call opens a new one, and a new one is held to the same device certificate. Where target.resume says so and
 * the device keeps its TLS sessions (RFC 5246 7.3), the new one takes up the session of the one before, which
 * proves the same certificate by its master secret.
 */
#ifndef FIRMWARE_CONNECTION_H
#define FIRMWARE_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/message.h"
#include "firmware/trust.h"

#define CONNECTION_FINGERPRINT_SIZE 32            /* SHA-256 */
#define CONNECTION_REPLY_MAX_BYTES  (1024 * 1024) /* the largest answer of AMT has some 20 KiB */
#define CONNECTION_PORT_TLS         16993

struct connection; /* opaque: owns the socket, the TLS session, the Digest session and the SOAP runtime */

/* What the device must prove with its certificate. */
enum device_identity {
    IDENTITY_SETUP,       /* any certificate; what it is must stay the same (spec O3.2) */
    IDENTITY_OPERATIONAL, /* issued by one of issuers for fqdn, valid now (spec O8) */
    IDENTITY_EITHER,      /* first contact of a repeated attempt: connection_identity() says which it was */
};

enum tls_allowed {                   /* by configuration; the firmware's generation decides within it */
                   TLS_ALLOW_LEGACY, /* TLS 1.0 and SHA-1 suites too, but never for firmware known to be 12 or
                                        later */
                   TLS_ALLOW_MODERN, /* TLS 1.1 and 1.2 only */
};

/* The two ways in which AMT takes calls. */
enum firmware_interface {
    INTERFACE_WSMAN, /* WS-Management: AMT 3.2 and later */
    INTERFACE_EOI,   /* the older SOAP interface: until AMT 8 */
};

/* Everything is borrowed until connection_close(). Zero-initialise; zero means the default. */
struct connection_target {
    const char *address;          /* numeric IPv4 or IPv6 address; names are refused */
    uint16_t port;                /* 0: 16993 */
    unsigned timeout_ms;          /* for each request with its connect and handshake; 0: 60 s */
    unsigned connect_timeout_ms;  /* for connect and handshake alone; 0: timeout_ms */
    int64_t deadline_ms;          /* clock_monotonic_ms() at which the whole job must have ended; 0: none */
    const char *firmware_version; /* last known, e.g. "11.8.50.3425"; NULL: not known */
    const char *dns_suffix;       /* of the computer, for the pre-flight check; NULL: not known */
    enum tls_allowed tls;
    bool resume; /* offer the device its TLS sessions again, never beyond connection_drop() and the like */
    enum first_stage first_stage; /* AUTO: EOI for firmware before 6.0 where it has it */
    const struct trust *trust;
    const struct provisioning_certificate *certificate; /* or a console's; NULL: no client certificate */
    enum device_identity identity;
    const char *fqdn;            /* OPERATIONAL, EITHER */
    const struct bytes *issuers; /* OPERATIONAL, EITHER: DER certificates of authorities */
    size_t issuer_count;
    /* DER; OPERATIONAL, EITHER: of one of issuers, too, and valid, but this one whatever its name: the one
     * that was issued to the device when it had another; NULL: none. */
    const struct bytes *known_certificate;
    /* SHA-256 of the certificate that the device showed earlier in this job, where it must be the same
     * again; NULL: none. Not compared with a certificate that is accepted as OPERATIONAL. */
    const uint8_t *fingerprint;
};

/*
 * Connects and shakes hands. On true the caller owns *connection and ends it with connection_close().
 * Reasons of failure: UNREACHABLE (TCP), NO_AMT (something else answers), TLS_FAILED (no version or suite in
 * common), CLIENT_CERTIFICATE_REFUSED or the pre-flight's better guess (SUFFIX_MISMATCH, CERTIFICATE_...),
 * CONSOLE_CERTIFICATE_REFUSED, DEVICE_CERTIFICATE_CHANGED, DEVICE_CERTIFICATE_WRONG, TIMEOUT, TIME_UP,
 * CONNECTION_LOST, INTERNAL.
 */
bool connection_open(struct connection **connection, const struct connection_target *target,
                     struct error *err) MUST_CHECK;
void connection_close(struct connection **connection);
/* Whether the computer's operating system, or whatever has its address now, says that nothing listens at the
 * port: AMT in operation takes its ports from it. Without a word to anybody, within connect_timeout_ms. */
bool connection_port_closed(const struct connection_target *target);

/*
 * What the firmware said about the candidates; filled in whether the call succeeds or not, because the
 * retry list continues from here at the next contact (spec O5).
 */
struct authentication {
    enum firmware_interface interface; /* to be spoken in the first stage; the second is WS-Management's */
    bool challenged;                   /* false: the firmware asks for no password in this session */
    bool accepted;                     /* candidates[accepted_index] opened it */
    size_t accepted_index;
    size_t refused; /* candidates[0 .. refused-1] were refused, or not sent: see connection_authenticate() */
};

/*
 * Logs in (spec O4, O5): a harmless request without credentials, which also shows the release and with it the
 * interface; then the candidates in their order, at most attempts_max of them. Firmware that does not
 * challenge a PKI session is accepted. All refused: REASON_NO_ACCOUNT_ACCEPTED if there were no more
 * candidates, else REASON_MORE_ACCOUNTS. An empty password is not sent to firmware before 6.0, whose admin
 * has the one of MEBx (it would be a failed log-in for nothing); it counts as refused, but not as an attempt.
 * The accepted candidate is copied and used for every later request. REASON_UNSUPPORTED: the firmware does
 * not have the interface that target.first_stage asks for, or no WS-Management.
 */
bool connection_authenticate(struct connection *connection, const struct account *candidates, size_t count,
                             unsigned attempts_max, struct authentication *authentication,
                             struct error *err) MUST_CHECK;
/* From now on this one, e.g. after SetAdminAclEntryEx: copied; where a password was asked for, the Digest
 * session begins anew on a new TCP connection, since AMT remembers one identity per TLS session. Sends
 * nothing. */
void connection_use_credential(struct connection *connection, const char *user,
                               const struct secret *password);

/* For each request from now on, e.g. longer ones for key generation; 0: 60 s. */
void connection_set_timeout(struct connection *connection, unsigned timeout_ms);

/* The TCP connection is closed, the next request opens a new one with a full handshake, e.g. after
 * CommitChanges, when AMT restarts its TLS stack and shows another certificate. */
void connection_drop(struct connection *connection);

/* From the next TCP connection on the device must show this, e.g. OPERATIONAL after CommitChanges; sends
 * nothing. fqdn and issuers are those of the target. */
void connection_expect(struct connection *connection, enum device_identity identity);

/* From the next TCP connection on this is presented, e.g. a console's certificate once mutual TLS is on;
 * NULL: none. Borrowed as the target's. Sends nothing. */
void connection_present(struct connection *connection, const struct provisioning_certificate *certificate);

/* Number of the TCP connection that the next request goes over: while it stays the same, the firmware did not
 * restart. */
size_t connection_number(struct connection *connection);

/* What was learned. Texts are borrowed until the connection is closed and never NULL. */
enum device_identity connection_identity(const struct connection *connection); /* SETUP or OPERATIONAL */
/* In the last full handshake the device asked for a certificate: it is in setup, or in mutual TLS. */
bool connection_asked_certificate(const struct connection *connection);
const struct provisioning_certificate *
connection_presented(const struct connection *connection);                  /* may be NULL */
const uint8_t *connection_fingerprint(const struct connection *connection); /* of the device's certificate */
const struct bytes *connection_device_certificate(const struct connection *connection); /* DER */
const char *connection_firmware_version(const struct connection *connection); /* of the Server header; "" */
const char *connection_digest_realm(const struct connection *connection);     /* of the challenge; "" */
const char *connection_tls(const struct connection *connection);              /* "TLSv1.2 AES256-SHA" */

#endif
