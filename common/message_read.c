/* message_read.c - from bytes to message.h's structs, checking all that a sender could get wrong. */
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "message_reader.h"
#include "provisioning.pb-c.h"
#include "utf8.h"

#define SECRET_MAX_BYTES 256
#define BLOB_MAX_BYTES   16384        /* certificates and requests */
#define END_OF_TIME_S    253402300799 /* 9999-12-31: later ones no calendar takes, PostgreSQL's neither */

/* More than any honest sender has; a message of MESSAGE_MAX_BYTES could hold 100,000 of most. */
#define SUBNETS_MAX      1000
#define CERTIFICATES_MAX 64
#define CHAIN_MAX        8 /* certificates of a provisioning certificate */
#define COUNTERS_MAX     256
#define ROOTS_MAX        255 /* one byte counts them in a Hello */
#define STEPS_MAX        256
#define SETTINGS_MAX     256
#define ACCOUNTS_MAX     64
#define USERS_MAX        64 /* AMT takes 7 and 32 */

_Static_assert((int)MESSAGE_KIND_LAST == (int)AMT__KIND__ACTIVATED,
               "message.h and the .proto file number alike");

/* Memory of protobuf-c remembers its size, so that secrets in it are wiped when it is freed. */
static void *wiping_allocate(void *unused, size_t size)
{
    size_t *block;

    (void)unused;
    block = allocate(size + 2 * sizeof(size_t)); /* two words keep the alignment of malloc() */
    *block = size;
    return block + 2;
}

static void wiping_free(void *unused, void *pointer)
{
    size_t *block = pointer;

    (void)unused;
    if (!block)
        return;
    block -= 2;
    secret_wipe(block + 2, *block);
    free(block);
}

static ProtobufCAllocator wiping = { wiping_allocate, wiping_free, NULL };

static void unpacked_free(ProtobufCMessage **unpacked)
{
    if (*unpacked)
        protobuf_c_message_free_unpacked(*unpacked, &wiping);
    *unpacked = NULL;
}

void wrong(struct reader *reader, const char *field, const char *what)
{
    if (!reader->failed)
        error_set(reader->err, ERROR_PROTOCOL, "field %s %s", field, what);
    reader->failed = true;
}

static void check_count(struct reader *reader, const char *field, size_t count, size_t most)
{
    if (count > most)
        wrong(reader, field, "has too many entries");
}

uint64_t read_password_version(struct reader *reader, uint64_t version)
{
    if (version > INT64_MAX)
        wrong(reader, "password_version", "is too large");
    return version;
}

static int64_t read_time(struct reader *reader, const char *field, int64_t time, int64_t last)
{
    if (time < 0 || time > last)
        wrong(reader, field, "is no time of this calendar");
    return time;
}

char *read_text(struct reader *reader, const char *field, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length;

    if (!text)
        return NULL;
    if (strlen(text) > MESSAGE_TEXT_MAX_BYTES) {
        wrong(reader, field, "is too long");
        return NULL;
    }
    for (; *at; at += length) {
        length = utf8_sequence(at);
        if (!length) {
            wrong(reader, field, "is not text");
            return NULL;
        }
    }
    return text_copy(text);
}

char **read_texts(struct reader *reader, const char *field, char **texts, size_t count)
{
    char **copies = count ? allocate(count * sizeof(*copies)) : NULL;

    for (size_t i = 0; i < count; i++) {
        copies[i] = read_text(reader, field, texts[i]);
        if (!copies[i]) /* a failed one must not leave a hole that a reader could meet */
            copies[i] = text_copy("");
    }
    return copies;
}

enum reason_code read_reason(const char *name)
{
    enum reason_code code = REASON_NONE;

    if (name && !reason_find(name, &code))
        code = REASON_INTERNAL; /* a newer peer may know more reasons; its text still says why */
    return code;
}

void read_bytes(struct reader *reader, const char *field, bool present, ProtobufCBinaryData data,
                struct bytes *out)
{
    if (!present)
        return;
    if (data.len > BLOB_MAX_BYTES)
        wrong(reader, field, "is too long");
    else
        bytes_set(out, data.data, data.len);
}

struct secret *read_secret(struct reader *reader, const char *field, ProtobufCBinaryData data)
{
    if (data.len > SECRET_MAX_BYTES || (data.len && memchr(data.data, 0, data.len))) {
        wrong(reader, field, "is not a password");
        return secret_from_text("");
    }
    return secret_new(data.data, data.len);
}

void read_uuid(struct reader *reader, ProtobufCBinaryData data, struct uuid *uuid)
{
    if (data.len == sizeof(uuid->bytes))
        memcpy(uuid->bytes, data.data, data.len);
    else
        wrong(reader, "uuid", "has not 16 bytes");
}

uint32_t read_enum(struct reader *reader, const char *field, uint32_t value, uint32_t lowest,
                   uint32_t highest)
{
    if (value >= lowest && value <= highest)
        return value;
    wrong(reader, field, "has an unknown value");
    return lowest;
}

static struct attempt_id read_attempt(struct reader *reader, const Amt__Attempt *in)
{
    if (in->job == 0 || in->job > INT64_MAX || in->attempt == 0 || in->attempt > INT32_MAX)
        wrong(reader, "attempt", "names no attempt");
    return (struct attempt_id){ in->job, in->attempt };
}

static struct attempt_id *read_attempts(struct reader *reader, Amt__Attempt **in, size_t count)
{
    struct attempt_id *out = count ? allocate(count * sizeof(*out)) : NULL;

    for (size_t i = 0; i < count; i++)
        out[i] = read_attempt(reader, in[i]);
    return out;
}

static void read_root_hash(struct reader *reader, const Amt__RootHash *in, struct root_hash *out)
{
    size_t length = root_hash_length(in->algorithm);

    if (!length || in->hash.len != length) {
        wrong(reader, "root_hash", "has a length that its algorithm does not have");
        return;
    }
    out->algorithm = (uint8_t)in->algorithm;
    out->length = (uint8_t)length;
    memcpy(out->hash, in->hash.data, length);
}

struct root_hash *read_root_hashes(struct reader *reader, Amt__RootHash **in, size_t count)
{
    struct root_hash *out = count ? allocate(count * sizeof(*out)) : NULL;

    check_count(reader, "root_hashes", count, ROOTS_MAX);
    for (size_t i = 0; i < count; i++)
        read_root_hash(reader, in[i], &out[i]);
    return out;
}

static void read_register(struct reader *reader, const Amt__Register *in, struct message_register *out)
{
    out->name = read_text(reader, "name", in->name);
    out->software_version = read_text(reader, "software_version", in->software_version);
    out->slots = in->slots;
    out->free = in->free;
    check_count(reader, "subnets", in->n_subnets, SUBNETS_MAX);
    check_count(reader, "certificates", in->n_certificates, CERTIFICATES_MAX);
    out->subnets = read_texts(reader, "subnets", in->subnets, in->n_subnets);
    out->subnet_count = in->n_subnets;
    out->certificates = in->n_certificates ? allocate(in->n_certificates * sizeof(*out->certificates)) : NULL;
    out->certificate_count = in->n_certificates;
    for (size_t i = 0; i < in->n_certificates; i++) {
        const Amt__ProvisioningCertificate *from = in->certificates[i];
        struct provisioning_certificate_info *to = &out->certificates[i];

        to->subject = read_text(reader, "subject", from->subject);
        to->root_subject = read_text(reader, "root_subject", from->root_subject);
        to->not_after_s =
            from->has_not_after_s ? read_time(reader, "not_after_s", from->not_after_s, END_OF_TIME_S) : 0;
        check_count(reader, "chain", from->n_chain, CHAIN_MAX);
        to->chain = from->n_chain ? allocate(from->n_chain * sizeof(*to->chain)) : NULL;
        to->chain_count = from->n_chain;
        for (size_t k = 0; k < from->n_chain; k++)
            read_bytes(reader, "chain", true, from->chain[k], &to->chain[k]);
        if (from->n_root_hashes > COUNT_OF(to->root_hashes)) {
            wrong(reader, "root_hashes", "has more than one hash per algorithm");
            continue;
        }
        to->root_hash_count = from->n_root_hashes;
        for (size_t h = 0; h < from->n_root_hashes; h++)
            read_root_hash(reader, from->root_hashes[h], &to->root_hashes[h]);
    }
    out->running = read_attempts(reader, in->running, in->n_running);
    out->running_count = in->n_running;
    out->process = in->has_process ? in->process : 0;
    out->session = in->has_session ? in->session : 0;
    out->hears_known = in->has_hears_known && in->hears_known;
    if (out->process > INT64_MAX || out->session > INT64_MAX)
        wrong(reader, "process or session", "is too large");
    read_bytes(reader, "console_request", in->has_console_request, in->console_request,
               &out->console_request);
}

static void read_known(struct reader *reader, const Amt__Welcome *in, struct known_set *out)
{
    struct bytes key = { 0 };

    read_bytes(reader, "known_bits", in->has_known_bits, in->known_bits, &out->bits);
    read_bytes(reader, "known_key", in->has_known_key, in->known_key, &key);
    if (out->bits.length) {
        out->probes = read_enum(reader, "known_probes", in->known_probes, 1, KNOWN_SET_MAX_PROBES);
        if (key.length != sizeof(out->key) || out->bits.length > KNOWN_SET_MAX_BYTES)
            wrong(reader, "known_key or known_bits", "has the wrong length");
        else
            memcpy(out->key, key.data, sizeof(out->key));
    }
    bytes_free(&key);
}

static void read_welcome(struct reader *reader, const Amt__Welcome *in, struct message_welcome *out)
{
    out->site = read_text(reader, "site", in->site);
    out->software_version = read_text(reader, "software_version", in->software_version);
    out->heartbeat_s = read_enum(reader, "heartbeat_s", in->heartbeat_s, 1, 3600);
    out->lease_s = read_enum(reader, "lease_s", in->lease_s, 1, 86400);
    check_count(reader, "console_certificates", in->n_console_certificates, CONSOLE_CERTIFICATES_MAX);
    out->console_certificates =
        in->n_console_certificates ? allocate(in->n_console_certificates * sizeof(*out->console_certificates))
                                   : NULL;
    out->console_certificate_count = in->n_console_certificates;
    for (size_t i = 0; i < in->n_console_certificates; i++)
        read_bytes(reader, "console_certificates", true, in->console_certificates[i],
                   &out->console_certificates[i]);
    read_known(reader, in, &out->known);
}

static void read_heartbeat(struct reader *reader, const Amt__Heartbeat *in, struct message_heartbeat *out)
{
    out->free = in->free;
    check_count(reader, "counters", in->n_counters, COUNTERS_MAX);
    out->running = read_attempts(reader, in->running, in->n_running);
    out->running_count = in->n_running;
    out->counters = in->n_counters ? allocate(in->n_counters * sizeof(*out->counters)) : NULL;
    out->counter_count = in->n_counters;
    for (size_t i = 0; i < in->n_counters; i++) {
        out->counters[i].name = read_text(reader, "counter", in->counters[i]->name);
        out->counters[i].value = in->counters[i]->value;
    }
}

static void read_hello_seen(struct reader *reader, const Amt__HelloSeen *in, struct message_hello_seen *out)
{
    read_uuid(reader, in->uuid, &out->uuid);
    out->address = read_text(reader, "address", in->address);
    out->retry_count = in->retry_count;
    out->credentials_set = in->credentials_set;
    out->root_hashes = read_root_hashes(reader, in->root_hashes, in->n_root_hashes);
    out->root_hash_count = in->n_root_hashes;
    out->seen_at_ms = in->seen_at_ms;
}

static void read_hello_verdict(struct reader *reader, const Amt__HelloVerdict *in,
                               struct message_hello_verdict *out)
{
    read_uuid(reader, in->uuid, &out->uuid);
    out->offered = in->offered;
    out->reason = read_reason(in->reason);
    out->text = read_text(reader, "text", in->text);
}

static void read_job_offer(struct reader *reader, const Amt__JobOffer *in, struct message_job_offer *out)
{
    out->id = read_attempt(reader, &(Amt__Attempt){ .job = in->job, .attempt = in->attempt });
    out->kind = read_text(reader, "kind", in->kind);
    out->lease_s = read_enum(reader, "lease_s", in->lease_s, 1, 86400);
    out->deadline_s = read_enum(reader, "deadline_s", in->deadline_s, 1, 86400);
    read_uuid(reader, in->uuid, &out->uuid);
    out->address = read_text(reader, "address", in->address);
    out->port = (uint16_t)read_enum(reader, "port", in->port, 1, 65535);
    out->host_name = read_text(reader, "host_name", in->host_name);
    out->domain = read_text(reader, "domain", in->domain);
    out->firmware_version = read_text(reader, "firmware_version", in->firmware_version);
    out->root_hashes = read_root_hashes(reader, in->root_hashes, in->n_root_hashes);
    out->root_hash_count = in->n_root_hashes;
    out->accounts = in->n_accounts ? allocate(in->n_accounts * sizeof(*out->accounts)) : NULL;
    out->account_count = in->n_accounts;
    for (size_t i = 0; i < in->n_accounts; i++) {
        out->accounts[i].reference = read_text(reader, "reference", in->accounts[i]->reference);
        out->accounts[i].username = read_text(reader, "username", in->accounts[i]->username);
        out->accounts[i].password = read_secret(reader, "password", in->accounts[i]->password);
    }
    out->admin_password =
        in->has_admin_password ? read_secret(reader, "admin_password", in->admin_password) : NULL;
    out->mebx_password =
        in->has_mebx_password ? read_secret(reader, "mebx_password", in->mebx_password) : NULL;
    read_profile(reader, in->profile, &out->profile);
    out->issuers = in->n_issuers ? allocate(in->n_issuers * sizeof(*out->issuers)) : NULL;
    out->issuer_count = in->n_issuers;
    for (size_t i = 0; i < in->n_issuers; i++)
        read_bytes(reader, "issuers", true, in->issuers[i], &out->issuers[i]);
    out->directory_configured = in->directory_configured;
    read_bytes(reader, "otp_salt", in->has_otp_salt, in->otp_salt, &out->otp_salt);
    read_bytes(reader, "otp_hash", in->has_otp_hash, in->otp_hash, &out->otp_hash);
    out->domain_suffix = read_text(reader, "domain_suffix", in->domain_suffix);
    out->former_address = read_text(reader, "former_address", in->former_address);
    out->kerberos = read_kerberos(reader, in->kerberos);
    read_bytes(reader, "certificate", in->has_certificate, in->certificate, &out->certificate);
    check_count(reader, "revoked_consoles", in->n_revoked_consoles, REVOKED_CONSOLES_MAX);
    out->revoked_consoles =
        in->n_revoked_consoles ? allocate(in->n_revoked_consoles * sizeof(*out->revoked_consoles)) : NULL;
    out->revoked_console_count = in->n_revoked_consoles;
    for (size_t i = 0; i < in->n_revoked_consoles; i++)
        read_bytes(reader, "revoked_consoles", true, in->revoked_consoles[i], &out->revoked_consoles[i]);
}

static void read_job_decline(struct reader *reader, const Amt__JobDecline *in,
                             struct message_job_decline *out)
{
    out->id = read_attempt(reader, in->attempt);
    out->reason = read_reason(in->reason);
    out->text = read_text(reader, "text", in->text);
}

static struct step_report *read_steps(struct reader *reader, Amt__Step **in, size_t count)
{
    struct step_report *out = count ? allocate(count * sizeof(*out)) : NULL;

    check_count(reader, "steps", count, STEPS_MAX);
    for (size_t i = 0; i < count; i++) {
        out[i].number = read_text(reader, "number", in[i]->number);
        out[i].name = read_text(reader, "name", in[i]->name);
        out[i].started_ms = read_time(reader, "started_ms", in[i]->started_ms, END_OF_TIME_S * 1000);
        out[i].finished_ms = read_time(reader, "finished_ms", in[i]->finished_ms, END_OF_TIME_S * 1000);
        out[i].outcome = read_enum(reader, "outcome", in[i]->outcome, STEP_DONE, STEP_FAILED);
        out[i].reason = read_reason(in[i]->reason);
        out[i].detail = read_text(reader, "detail", in[i]->detail);
    }
    return out;
}

static void read_job_finished(struct reader *reader, const Amt__JobFinished *in,
                              struct message_job_finished *out)
{
    out->id = read_attempt(reader, in->attempt);
    out->done = in->done;
    out->reason = read_reason(in->reason);
    out->text = read_text(reader, "text", in->text);
    out->firmware_version = read_text(reader, "firmware_version", in->firmware_version);
    out->admin_password =
        read_enum(reader, "admin_password", in->admin_password, PASSWORD_UNTOUCHED, PASSWORD_SET);
    out->mebx_password =
        read_enum(reader, "mebx_password", in->mebx_password, PASSWORD_UNTOUCHED, PASSWORD_NOT_PERMITTED);
    if (in->has_mebx_is_factory)
        out->mebx_found = in->mebx_is_factory ? MEBX_FACTORY : MEBX_CHANGED;
    out->account_used = read_text(reader, "account_used", in->account_used);
    check_count(reader, "accounts_refused", in->n_accounts_refused, ACCOUNTS_MAX);
    check_count(reader, "settings", in->n_settings, SETTINGS_MAX);
    out->accounts_refused =
        read_texts(reader, "accounts_refused", in->accounts_refused, in->n_accounts_refused);
    out->accounts_refused_count = in->n_accounts_refused;
    read_bytes(reader, "device_fingerprint", in->has_device_fingerprint, in->device_fingerprint,
               &out->device_fingerprint);
    read_bytes(reader, "certificate", in->has_certificate, in->certificate, &out->certificate);
    out->steps = read_steps(reader, in->steps, in->n_steps);
    out->step_count = in->n_steps;
    out->settings = read_texts(reader, "settings", in->settings, in->n_settings);
    out->setting_count = in->n_settings;
    out->client_certificate_known = in->has_client_certificate;
    read_bytes(reader, "client_certificate", in->has_client_certificate, in->client_certificate,
               &out->client_certificate);
    if (in->has_amt_status)
        out->amt_status = read_enum(reader, "amt_status", in->amt_status, STATUS_NOT_PROVISIONED,
                                    STATUS_EXTERNALLY_PROVISIONED);
    check_count(reader, "users", in->n_users, USERS_MAX);
    out->users = in->n_users ? allocate(in->n_users * sizeof(*out->users)) : NULL;
    out->user_count = in->n_users;
    for (size_t i = 0; i < in->n_users; i++) {
        out->users[i].username = read_text(reader, "username", in->users[i]->username);
        out->users[i].password_version = read_password_version(reader, in->users[i]->password_version);
    }
    check_count(reader, "networks", in->n_networks, WIRELESS_PROFILES_MAX + 1);
    out->networks = in->n_networks ? allocate(in->n_networks * sizeof(*out->networks)) : NULL;
    out->network_count = in->n_networks;
    for (size_t i = 0; i < in->n_networks; i++) {
        out->networks[i].wireless = read_text(reader, "wireless", in->networks[i]->wireless);
        out->networks[i].password_version = read_password_version(reader, in->networks[i]->password_version);
    }
}

static void read_job_closed(struct reader *reader, const Amt__JobClosed *in, struct message_job_closed *out)
{
    out->id = read_attempt(reader, in->attempt);
    out->accepted = in->accepted;
    out->reason = read_reason(in->reason);
    out->text = read_text(reader, "text", in->text);
}

static void read_certificate(struct reader *reader, const Amt__Attempt *attempt, ProtobufCBinaryData der,
                             struct message_certificate *out)
{
    out->id = read_attempt(reader, attempt);
    read_bytes(reader, "certificate", true, der, &out->der);
}

static const ProtobufCMessageDescriptor *const descriptors[] = {
    [MESSAGE_REGISTER] = &amt__register__descriptor,
    [MESSAGE_WELCOME] = &amt__welcome__descriptor,
    [MESSAGE_HEARTBEAT] = &amt__heartbeat__descriptor,
    [MESSAGE_HELLO_SEEN] = &amt__hello_seen__descriptor,
    [MESSAGE_HELLO_VERDICT] = &amt__hello_verdict__descriptor,
    [MESSAGE_JOB_OFFER] = &amt__job_offer__descriptor,
    [MESSAGE_JOB_ACCEPT] = &amt__job_accept__descriptor,
    [MESSAGE_JOB_DECLINE] = &amt__job_decline__descriptor,
    [MESSAGE_STEP_FINISHED] = &amt__step_finished__descriptor,
    [MESSAGE_ACCOUNT_WANTED] = &amt__account_wanted__descriptor,
    [MESSAGE_ACCOUNT] = &amt__directory_account__descriptor,
    [MESSAGE_CERTIFICATE_WANTED] = &amt__certificate_wanted__descriptor,
    [MESSAGE_CERTIFICATE] = &amt__certificate__descriptor,
    [MESSAGE_LEASE_EXTEND] = &amt__lease_extend__descriptor,
    [MESSAGE_JOB_FINISHED] = &amt__job_finished__descriptor,
    [MESSAGE_JOB_CLOSED] = &amt__job_closed__descriptor,
    [MESSAGE_REFUSED] = &amt__refused__descriptor,
    [MESSAGE_ENROL] = &amt__enrol__descriptor,
    [MESSAGE_ENROLLED] = &amt__enrolled__descriptor,
    [MESSAGE_POLICY_WANTED] = &amt__policy_wanted__descriptor,
    [MESSAGE_POLICY] = &amt__policy__descriptor,
    [MESSAGE_CHECK_FAILED] = &amt__check_failed__descriptor,
    [MESSAGE_NOTED] = &amt__noted__descriptor,
    [MESSAGE_OTP_REGISTER] = &amt__otp_register__descriptor,
    [MESSAGE_OTP_REGISTERED] = &amt__otp_registered__descriptor,
    [MESSAGE_ACTIVATED] = &amt__activated__descriptor,
};

bool envelope_read(const void *data, size_t length, struct envelope *envelope, struct error *err)
{
    AUTO(unpacked_free) ProtobufCMessage *unpacked = NULL;
    const Amt__Envelope *in;

    if (length > MESSAGE_MAX_BYTES)
        return error_set(err, ERROR_PROTOCOL, "message of %zu bytes; at most %d are taken", length,
                         MESSAGE_MAX_BYTES);
    unpacked = protobuf_c_message_unpack(&amt__envelope__descriptor, &wiping, length, data);
    if (!unpacked)
        return error_set(err, ERROR_PROTOCOL, "message of %zu bytes is not an envelope", length);
    in = (const Amt__Envelope *)unpacked;
    if (in->version < MESSAGE_VERSION_OLDEST || in->version > MESSAGE_VERSION)
        return error_set(err, ERROR_PROTOCOL, "protocol version %u; this program speaks %d to %d",
                         in->version, MESSAGE_VERSION_OLDEST, MESSAGE_VERSION);
    if (in->kind >= COUNT_OF(descriptors) || !descriptors[in->kind])
        return error_set(err, ERROR_PROTOCOL, "unknown kind %u", in->kind);
    envelope->version = in->version;
    envelope->kind = (enum message_kind)in->kind;
    envelope->correlation = in->correlation;
    envelope->body_length = in->has_body ? in->body.len : 0;
    envelope->body = allocate(envelope->body_length);
    if (envelope->body_length)
        memcpy(envelope->body, in->body.data, envelope->body_length);
    return true;
}

void envelope_free(struct envelope *envelope)
{
    if (envelope->body)
        secret_wipe(envelope->body, envelope->body_length);
    free(envelope->body);
    memset(envelope, 0, sizeof(*envelope));
}

bool message_read(const struct envelope *envelope, struct message *message, struct error *err)
{
    AUTO(unpacked_free)
    ProtobufCMessage *unpacked = protobuf_c_message_unpack(descriptors[envelope->kind], &wiping,
                                                           envelope->body_length, envelope->body);
    struct reader reader = { err, false };
    struct message read = { .kind = envelope->kind, .correlation = envelope->correlation };

    if (!unpacked)
        return error_set(err, ERROR_PROTOCOL, "%s: the body of %zu bytes is not one",
                         message_kind_name(envelope->kind), envelope->body_length);
    switch (envelope->kind) {
    case MESSAGE_REGISTER:
        read_register(&reader, (const Amt__Register *)unpacked, &read.reg);
        break;
    case MESSAGE_WELCOME:
        read_welcome(&reader, (const Amt__Welcome *)unpacked, &read.welcome);
        break;
    case MESSAGE_HEARTBEAT:
        read_heartbeat(&reader, (const Amt__Heartbeat *)unpacked, &read.heartbeat);
        break;
    case MESSAGE_HELLO_SEEN:
        read_hello_seen(&reader, (const Amt__HelloSeen *)unpacked, &read.hello_seen);
        break;
    case MESSAGE_HELLO_VERDICT:
        read_hello_verdict(&reader, (const Amt__HelloVerdict *)unpacked, &read.hello_verdict);
        break;
    case MESSAGE_JOB_OFFER:
        read_job_offer(&reader, (const Amt__JobOffer *)unpacked, &read.job_offer);
        break;
    case MESSAGE_JOB_ACCEPT:
        read.job_accept = read_attempt(&reader, ((const Amt__JobAccept *)unpacked)->attempt);
        break;
    case MESSAGE_JOB_DECLINE:
        read_job_decline(&reader, (const Amt__JobDecline *)unpacked, &read.job_decline);
        break;
    case MESSAGE_STEP_FINISHED: {
        const Amt__StepFinished *in = (const Amt__StepFinished *)unpacked;

        read.step_finished.id = read_attempt(&reader, in->attempt);
        read.step_finished.steps = read_steps(&reader, in->steps, in->n_steps);
        read.step_finished.step_count = in->n_steps;
        break;
    }
    case MESSAGE_ACCOUNT_WANTED: {
        const Amt__AccountWanted *in = (const Amt__AccountWanted *)unpacked;

        read.account_wanted.id = read_attempt(&reader, in->attempt);
        read.account_wanted.firmware_version = read_text(&reader, "firmware_version", in->firmware_version);
        break;
    }
    case MESSAGE_ACCOUNT: {
        const Amt__DirectoryAccount *in = (const Amt__DirectoryAccount *)unpacked;

        read.account.id = read_attempt(&reader, in->attempt);
        read.account.configured = in->configured;
        read.account.kerberos = read_kerberos(&reader, in->kerberos);
        break;
    }
    case MESSAGE_CERTIFICATE_WANTED: {
        const Amt__CertificateWanted *in = (const Amt__CertificateWanted *)unpacked;

        read_certificate(&reader, in->attempt, in->request, &read.certificate_wanted);
        read.certificate_wanted.usage =
            read_enum(&reader, "usage", in->usage, CERTIFICATE_SERVER, CERTIFICATE_CLIENT);
        read.certificate_wanted.firmware_version =
            read_text(&reader, "firmware_version", in->firmware_version);
        break;
    }
    case MESSAGE_CERTIFICATE: {
        const Amt__Certificate *in = (const Amt__Certificate *)unpacked;

        read_certificate(&reader, in->attempt, in->certificate, &read.certificate);
        break;
    }
    case MESSAGE_LEASE_EXTEND: {
        const Amt__LeaseExtend *in = (const Amt__LeaseExtend *)unpacked;

        read.lease_extend.running = read_attempts(&reader, in->attempts, in->n_attempts);
        read.lease_extend.running_count = in->n_attempts;
        break;
    }
    case MESSAGE_JOB_FINISHED:
        read_job_finished(&reader, (const Amt__JobFinished *)unpacked, &read.job_finished);
        break;
    case MESSAGE_JOB_CLOSED:
        read_job_closed(&reader, (const Amt__JobClosed *)unpacked, &read.job_closed);
        break;
    case MESSAGE_REFUSED: {
        const Amt__Refused *in = (const Amt__Refused *)unpacked;

        read.refused.reason = read_reason(in->reason);
        read.refused.text = read_text(&reader, "text", in->text);
        break;
    }
    case MESSAGE_ENROL:
    case MESSAGE_ENROLLED:
    case MESSAGE_POLICY_WANTED:
    case MESSAGE_POLICY:
    case MESSAGE_CHECK_FAILED:
    case MESSAGE_NOTED:
    case MESSAGE_OTP_REGISTER:
    case MESSAGE_OTP_REGISTERED:
    case MESSAGE_ACTIVATED:
        read_agent_message(&reader, unpacked, &read);
        break;
    }
    if (reader.failed) {
        message_free(&read);
        return error_during(err, "%s", message_kind_name(envelope->kind));
    }
    *message = read;
    return true;
}
