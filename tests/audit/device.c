#include "audit/device.h"

#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/encoding.h"
#include "firmware/console.h"
#include "firmware/wsman.h"
#include "provisioning/device_certificate.h"

enum { ISSUERS_MAX = 8, REQUEST_TIMEOUT_MS = 30000 };

struct device_auditor {
    struct trust *trust;
    struct console *console; /* NULL: for computers in mutual TLS there is none */
    struct console_set *consoles;
    struct bytes issuers[ISSUERS_MAX];
    size_t issuer_count;
};

/* ---- opening --------------------------------------------------------------------------------------- */

static void file_close(FILE **file)
{
    if (*file)
        fclose(*file);
    *file = NULL;
}

static void take_issuer(struct device_auditor *auditor, X509 *certificate)
{
    unsigned char *der = NULL;
    int length = i2d_X509(certificate, &der);

    if (length > 0)
        bytes_set(&auditor->issuers[auditor->issuer_count++], der, (size_t)length);
    OPENSSL_free(der);
}

static bool read_issuers(struct device_auditor *auditor, const char *path, struct error *err)
{
    AUTO(file_close) FILE *file = fopen(path, "r");
    X509 *certificate;

    while (file && auditor->issuer_count < ISSUERS_MAX &&
           (certificate = PEM_read_X509(file, NULL, NULL, NULL))) {
        take_issuer(auditor, certificate);
        X509_free(certificate);
    }
    return auditor->issuer_count > 0 ||
           error_set(err, ERROR_INPUT, "%s holds no certificate; write one with 'amtctl ca show --pem'",
                     path);
}

static bool open_console(struct device_auditor *auditor, const char *path, struct error *err)
{
    if (!path)
        return true;
    if (!console_open(&auditor->console, path, "auditor", (int64_t)time(NULL), err))
        return false;
    auditor->consoles = console_hold(auditor->console);
    return true;
}

bool device_auditor_open(struct device_auditor **auditor, const char *issuer_path, const char *console_path,
                         struct error *err)
{
    AUTO(device_auditor_close) struct device_auditor *opening = allocate(sizeof(*opening));

    if (!read_issuers(opening, issuer_path, err) || !open_console(opening, console_path, err) ||
        !trust_load(&opening->trust, NULL, 0, (int64_t)time(NULL), err))
        return false;
    *auditor = TAKE(opening);
    return true;
}

void device_auditor_close(struct device_auditor **auditor)
{
    struct device_auditor *closing = TAKE(*auditor);

    if (!closing)
        return;
    for (size_t i = 0; i < closing->issuer_count; i++)
        bytes_free(&closing->issuers[i]);
    console_release(&closing->consoles);
    console_close(&closing->console);
    trust_free(&closing->trust);
    free(closing);
}

/* ---- one computer ---------------------------------------------------------------------------------- */

struct contact {
    const struct audited *computer;
    struct connection *connection;
    struct stored_certificate_list certificates;
    struct stored_key_list keys;
    struct findings *findings;
};

static void contact_clear(struct contact *contact)
{
    stored_certificate_list_free(&contact->certificates);
    stored_key_list_free(&contact->keys);
    connection_close(&contact->connection);
}

static void fingerprint(const struct bytes *der, char hex[2 * SHA256_DIGEST_LENGTH + 1])
{
    unsigned char hash[SHA256_DIGEST_LENGTH];

    SHA256(der->data, der->length, hash);
    hex_encode(hash, sizeof(hash), hex);
}

static bool log_in(struct device_auditor *auditor, struct contact *contact, const char *password,
                   struct error *err)
{
    const struct connection_target target = {
        .address = contact->computer->address,
        .timeout_ms = REQUEST_TIMEOUT_MS,
        .firmware_version = contact->computer->firmware_version,
        .tls = TLS_ALLOW_LEGACY,
        .trust = auditor->trust,
        .certificate = auditor->consoles ? console_set_certificate(auditor->consoles, 0) : NULL,
        .identity = IDENTITY_OPERATIONAL,
        .fqdn = contact->computer->fqdn,
        .issuers = auditor->issuers,
        .issuer_count = auditor->issuer_count
    };
    struct account admin = { .reference = (char *)"escrow", .username = (char *)"admin" };
    struct authentication outcome = { 0 };
    bool accepted;

    if (!connection_open(&contact->connection, &target, err))
        return false;
    admin.password = secret_new((const uint8_t *)password, strlen(password));
    accepted = connection_authenticate(contact->connection, &admin, 1, 1, &outcome, err);
    secret_free(&admin.password);
    if (accepted && !outcome.accepted)
        return error_set(err, ERROR_REFUSED, "it asks for no password");
    return accepted;
}

static void audit_state(struct contact *contact)
{
    struct setup_service setup = { 0 };
    struct error err = { 0 };
    char shown[2 * SHA256_DIGEST_LENGTH + 1];

    if (!wsman_setup_get(contact->connection, &setup, &err))
        finding_add(contact->findings, contact->computer->uuid, "its state cannot be read: %s", err.message);
    else if (setup.state != PROVISIONING_POST)
        finding_add(contact->findings, contact->computer->uuid, "the firmware is not provisioned: state %d",
                    setup.state);
    setup_service_clear(&setup);
    fingerprint(connection_device_certificate(contact->connection), shown);
    if (strcmp(shown, contact->computer->fingerprint_hex) != 0)
        finding_add(contact->findings, contact->computer->uuid,
                    "the firmware shows certificate %.16s..., the active one is %.16s...", shown,
                    *contact->computer->fingerprint_hex ? contact->computer->fingerprint_hex : "none");
}

/* Where its profile has changed since, nothing is known of what it should be. */
static void audit_mutual(struct contact *contact)
{
    bool asks = connection_asked_certificate(contact->connection);

    if (*contact->computer->tls && asks != (strcmp(contact->computer->tls, "mutual") == 0))
        finding_add(contact->findings, contact->computer->uuid,
                    "the firmware asks for %s client certificate, but its profile says tls = %s",
                    asks ? "a" : "no", contact->computer->tls);
}

/* Trusted roots belong to the profile's networks; read-only ones are the firmware's own. */
static void audit_certificates(struct contact *contact)
{
    size_t active = 0;

    for (size_t i = 0; i < contact->certificates.count; i++) {
        const struct stored_certificate *each = &contact->certificates.certificates[i];
        char hex[2 * SHA256_DIGEST_LENGTH + 1];

        fingerprint(&each->der, hex);
        if (strcmp(hex, contact->computer->fingerprint_hex) == 0)
            active++;
        else if (!each->trusted_root && !each->read_only && !strstr(contact->computer->others_hex, hex))
            finding_add(contact->findings, contact->computer->uuid,
                        "the firmware keeps an orphan certificate: %s, %s", each->id, each->subject);
    }
    if (active != 1)
        finding_add(contact->findings, contact->computer->uuid,
                    "the firmware stores the active certificate %zu times", active);
}

static void audit_keys(struct contact *contact)
{
    for (size_t i = 0; i < contact->keys.count; i++) {
        const struct stored_key *key = &contact->keys.keys[i];
        size_t k = 0;

        while (k < contact->certificates.count &&
               !device_certificate_has_key(&contact->certificates.certificates[k].der, &key->public_key))
            k++;
        if (k == contact->certificates.count)
            finding_add(contact->findings, contact->computer->uuid, "the firmware keeps an orphan key: %s",
                        key->id);
    }
}

static void audit_credential(struct contact *contact)
{
    struct tls_credential credential = { 0 };
    struct error err = { 0 };
    size_t i = 0;
    char hex[2 * SHA256_DIGEST_LENGTH + 1] = "";

    if (!wsman_tls_credential_get(contact->connection, &credential, &err)) {
        finding_add(contact->findings, contact->computer->uuid, "its TLS credential cannot be read: %s",
                    err.message);
        return;
    }
    while (i < contact->certificates.count &&
           strcmp(contact->certificates.certificates[i].id, credential.certificate_id) != 0)
        i++;
    if (i < contact->certificates.count)
        fingerprint(&contact->certificates.certificates[i].der, hex);
    if (strcmp(hex, contact->computer->fingerprint_hex) != 0)
        finding_add(contact->findings, contact->computer->uuid,
                    "the firmware's TLS settings name %s, which is not the active certificate",
                    credential.present ? credential.certificate_id : "no certificate");
}

void device_audit(struct device_auditor *auditor, const struct audited *computer, const char *password,
                  struct findings *findings)
{
    AUTO(contact_clear) struct contact contact = { .computer = computer, .findings = findings };
    struct error err = { 0 };

    if (!log_in(auditor, &contact, password, &err)) {
        finding_add(findings, computer->uuid, "the password in escrow does not open it: %s", err.message);
        return;
    }
    audit_state(&contact);
    audit_mutual(&contact);
    if (!wsman_certificates_list(contact.connection, &contact.certificates, &err) ||
        !wsman_keys_list(contact.connection, &contact.keys, &err)) {
        finding_add(findings, computer->uuid, "its stores cannot be read: %s", err.message);
        return;
    }
    audit_certificates(&contact);
    audit_keys(&contact);
    audit_credential(&contact);
}
