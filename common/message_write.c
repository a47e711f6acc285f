/* message_write.c - from message.h's structs to bytes. */
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "message_writer.h"
#include "utf8.h"

void *scratch_take(struct scratch *scratch, size_t count, size_t size)
{
    void *block = allocate(count * size);

    scratch->blocks = reallocate(scratch->blocks, scratch->count + 1, sizeof(*scratch->blocks));
    scratch->blocks[scratch->count++] = block;
    return block;
}

static void scratch_free(struct scratch *scratch)
{
    for (size_t i = 0; i < scratch->count; i++)
        free(scratch->blocks[i]);
    free(scratch->blocks);
    scratch->blocks = NULL;
    scratch->count = 0;
}

/*
 * What firmware or a library said may hold any byte; a result must not be refused for it, so what a
 * reader would refuse is replaced here. protobuf-c's structs have no const; packing does not write.
 */
char *put_optional(struct scratch *scratch, const char *text)
{
    size_t valid = 0, length, step;
    char *clean;

    if (!text)
        return NULL;
    while ((step = utf8_sequence((const unsigned char *)text + valid)) != 0)
        valid += step;
    if (!text[valid] && valid <= MESSAGE_TEXT_MAX_BYTES)
        return (char *)text;
    length = utf8_cut(text, MESSAGE_TEXT_MAX_BYTES);
    clean = scratch_take(scratch, length + 1, 1);
    memcpy(clean, text, length);
    utf8_mend(clean);
    return clean;
}

char *put_text(struct scratch *scratch, const char *text)
{
    return put_optional(scratch, text ? text : "");
}

char **put_texts(struct scratch *scratch, char **texts, size_t count)
{
    char **out = scratch_take(scratch, count, sizeof(*out));

    for (size_t i = 0; i < count; i++)
        out[i] = put_text(scratch, texts[i]);
    return out;
}

char *put_reason(enum reason_code reason)
{
    return reason == REASON_NONE ? NULL : (char *)reason_of(reason)->name;
}

ProtobufCBinaryData put_bytes(const void *data, size_t length)
{
    return (ProtobufCBinaryData){ length, (uint8_t *)data };
}

ProtobufCBinaryData put_secret(const struct secret *secret)
{
    return put_bytes(secret_reveal(secret), secret_length(secret));
}

static Amt__Attempt *put_attempt(struct scratch *scratch, struct attempt_id id)
{
    Amt__Attempt *out = scratch_take(scratch, 1, sizeof(*out));

    amt__attempt__init(out);
    out->job = id.job;
    out->attempt = id.attempt;
    return out;
}

static Amt__Attempt **put_attempts(struct scratch *scratch, const struct attempt_id *ids, size_t count)
{
    Amt__Attempt **out = scratch_take(scratch, count, sizeof(*out));

    for (size_t i = 0; i < count; i++)
        out[i] = put_attempt(scratch, ids[i]);
    return out;
}

Amt__RootHash **put_root_hashes(struct scratch *scratch, const struct root_hash *hashes, size_t count)
{
    Amt__RootHash **out = scratch_take(scratch, count, sizeof(*out));

    for (size_t i = 0; i < count; i++) {
        out[i] = scratch_take(scratch, 1, sizeof(**out));
        amt__root_hash__init(out[i]);
        out[i]->algorithm = hashes[i].algorithm;
        out[i]->hash = put_bytes(hashes[i].hash, hashes[i].length);
    }
    return out;
}

static Amt__Step **put_steps(struct scratch *scratch, const struct step_report *steps, size_t count)
{
    Amt__Step **out = scratch_take(scratch, count, sizeof(*out));

    for (size_t i = 0; i < count; i++) {
        out[i] = scratch_take(scratch, 1, sizeof(**out));
        amt__step__init(out[i]);
        out[i]->number = put_text(scratch, steps[i].number);
        out[i]->name = put_text(scratch, steps[i].name);
        out[i]->started_ms = steps[i].started_ms;
        out[i]->finished_ms = steps[i].finished_ms;
        out[i]->outcome = steps[i].outcome;
        out[i]->reason = put_reason(steps[i].reason);
        out[i]->detail = put_optional(scratch, steps[i].detail);
    }
    return out;
}

static ProtobufCMessage *put_register(struct scratch *scratch, const struct message_register *in)
{
    Amt__Register *out = scratch_take(scratch, 1, sizeof(*out));

    amt__register__init(out);
    out->name = put_text(scratch, in->name);
    out->software_version = put_text(scratch, in->software_version);
    out->slots = in->slots;
    out->free = in->free;
    out->n_subnets = in->subnet_count;
    out->subnets = put_texts(scratch, in->subnets, in->subnet_count);
    out->n_certificates = in->certificate_count;
    out->certificates = scratch_take(scratch, in->certificate_count, sizeof(*out->certificates));
    for (size_t i = 0; i < in->certificate_count; i++) {
        const struct provisioning_certificate_info *from = &in->certificates[i];
        Amt__ProvisioningCertificate *to = scratch_take(scratch, 1, sizeof(*to));

        amt__provisioning_certificate__init(to);
        to->subject = put_text(scratch, from->subject);
        to->root_subject = put_text(scratch, from->root_subject);
        to->n_root_hashes = from->root_hash_count;
        to->root_hashes = put_root_hashes(scratch, from->root_hashes, from->root_hash_count);
        to->has_not_after_s = from->not_after_s != 0;
        to->not_after_s = from->not_after_s;
        to->n_chain = from->chain_count;
        to->chain = scratch_take(scratch, from->chain_count, sizeof(*to->chain));
        for (size_t k = 0; k < from->chain_count; k++)
            to->chain[k] = put_bytes(from->chain[k].data, from->chain[k].length);
        out->certificates[i] = to;
    }
    out->n_running = in->running_count;
    out->running = put_attempts(scratch, in->running, in->running_count);
    out->has_process = out->has_session = in->process != 0;
    out->has_hears_known = out->hears_known = in->hears_known;
    out->process = in->process;
    out->session = in->session;
    out->has_console_request = in->console_request.length != 0;
    out->console_request = put_bytes(in->console_request.data, in->console_request.length);
    return &out->base;
}

static ProtobufCMessage *put_heartbeat(struct scratch *scratch, const struct message_heartbeat *in)
{
    Amt__Heartbeat *out = scratch_take(scratch, 1, sizeof(*out));

    amt__heartbeat__init(out);
    out->free = in->free;
    out->n_running = in->running_count;
    out->running = put_attempts(scratch, in->running, in->running_count);
    out->n_counters = in->counter_count;
    out->counters = scratch_take(scratch, in->counter_count, sizeof(*out->counters));
    for (size_t i = 0; i < in->counter_count; i++) {
        out->counters[i] = scratch_take(scratch, 1, sizeof(**out->counters));
        amt__counter__init(out->counters[i]);
        out->counters[i]->name = put_text(scratch, in->counters[i].name);
        out->counters[i]->value = in->counters[i].value;
    }
    return &out->base;
}

static ProtobufCMessage *put_job_offer(struct scratch *scratch, const struct message_job_offer *in)
{
    Amt__JobOffer *out = scratch_take(scratch, 1, sizeof(*out));

    amt__job_offer__init(out);
    out->job = in->id.job;
    out->attempt = in->id.attempt;
    out->kind = put_text(scratch, in->kind);
    out->lease_s = in->lease_s;
    out->deadline_s = in->deadline_s;
    out->uuid = put_bytes(in->uuid.bytes, sizeof(in->uuid.bytes));
    out->address = put_text(scratch, in->address);
    out->port = in->port;
    out->host_name = put_text(scratch, in->host_name);
    out->domain = put_text(scratch, in->domain);
    out->firmware_version = put_optional(scratch, in->firmware_version);
    out->n_root_hashes = in->root_hash_count;
    out->root_hashes = put_root_hashes(scratch, in->root_hashes, in->root_hash_count);
    out->n_accounts = in->account_count;
    out->accounts = scratch_take(scratch, in->account_count, sizeof(*out->accounts));
    for (size_t i = 0; i < in->account_count; i++) {
        out->accounts[i] = scratch_take(scratch, 1, sizeof(**out->accounts));
        amt__account__init(out->accounts[i]);
        out->accounts[i]->reference = put_text(scratch, in->accounts[i].reference);
        out->accounts[i]->username = put_text(scratch, in->accounts[i].username);
        out->accounts[i]->password = put_secret(in->accounts[i].password);
    }
    out->has_admin_password = in->admin_password != NULL;
    if (in->admin_password)
        out->admin_password = put_secret(in->admin_password);
    out->has_mebx_password = in->mebx_password != NULL;
    if (in->mebx_password)
        out->mebx_password = put_secret(in->mebx_password);
    out->profile = put_profile(scratch, &in->profile);
    out->n_issuers = in->issuer_count;
    out->issuers = scratch_take(scratch, in->issuer_count, sizeof(*out->issuers));
    for (size_t i = 0; i < in->issuer_count; i++)
        out->issuers[i] = put_bytes(in->issuers[i].data, in->issuers[i].length);
    out->directory_configured = in->directory_configured;
    out->has_otp_salt = in->otp_salt.length != 0;
    out->otp_salt = put_bytes(in->otp_salt.data, in->otp_salt.length);
    out->has_otp_hash = in->otp_hash.length != 0;
    out->otp_hash = put_bytes(in->otp_hash.data, in->otp_hash.length);
    out->domain_suffix = put_optional(scratch, in->domain_suffix);
    out->former_address = put_optional(scratch, in->former_address);
    out->kerberos = put_kerberos(scratch, in->kerberos);
    out->has_certificate = in->certificate.length != 0;
    out->certificate = put_bytes(in->certificate.data, in->certificate.length);
    out->n_revoked_consoles = in->revoked_console_count;
    out->revoked_consoles = scratch_take(scratch, in->revoked_console_count, sizeof(*out->revoked_consoles));
    for (size_t i = 0; i < in->revoked_console_count; i++)
        out->revoked_consoles[i] = put_bytes(in->revoked_consoles[i].data, in->revoked_consoles[i].length);
    return &out->base;
}

static ProtobufCMessage *put_job_finished(struct scratch *scratch, const struct message_job_finished *in)
{
    Amt__JobFinished *out = scratch_take(scratch, 1, sizeof(*out));

    amt__job_finished__init(out);
    out->attempt = put_attempt(scratch, in->id);
    out->done = in->done;
    out->reason = put_reason(in->reason);
    out->text = put_optional(scratch, in->text);
    out->firmware_version = put_optional(scratch, in->firmware_version);
    out->admin_password = in->admin_password;
    out->mebx_password = in->mebx_password;
    out->has_mebx_is_factory = in->mebx_found != MEBX_NOT_ASKED;
    out->mebx_is_factory = in->mebx_found == MEBX_FACTORY;
    out->account_used = put_optional(scratch, in->account_used);
    out->n_accounts_refused = in->accounts_refused_count;
    out->accounts_refused = put_texts(scratch, in->accounts_refused, in->accounts_refused_count);
    out->has_device_fingerprint = in->device_fingerprint.length != 0;
    out->device_fingerprint = put_bytes(in->device_fingerprint.data, in->device_fingerprint.length);
    out->has_certificate = in->certificate.length != 0;
    out->certificate = put_bytes(in->certificate.data, in->certificate.length);
    out->n_steps = in->step_count;
    out->steps = put_steps(scratch, in->steps, in->step_count);
    out->n_settings = in->setting_count;
    out->settings = put_texts(scratch, in->settings, in->setting_count);
    out->has_client_certificate = in->client_certificate_known;
    out->client_certificate = put_bytes(in->client_certificate.data, in->client_certificate.length);
    out->has_amt_status = in->amt_status != 0;
    out->amt_status = in->amt_status;
    out->n_users = in->user_count;
    out->users = scratch_take(scratch, in->user_count, sizeof(*out->users));
    for (size_t i = 0; i < in->user_count; i++) {
        out->users[i] = scratch_take(scratch, 1, sizeof(**out->users));
        amt__user_written__init(out->users[i]);
        out->users[i]->username = put_text(scratch, in->users[i].username);
        out->users[i]->password_version = in->users[i].password_version;
    }
    out->n_networks = in->network_count;
    out->networks = scratch_take(scratch, in->network_count, sizeof(*out->networks));
    for (size_t i = 0; i < in->network_count; i++) {
        out->networks[i] = scratch_take(scratch, 1, sizeof(**out->networks));
        amt__network_written__init(out->networks[i]);
        out->networks[i]->wireless = put_optional(scratch, in->networks[i].wireless);
        out->networks[i]->password_version = in->networks[i].password_version;
    }
    return &out->base;
}

static ProtobufCMessage *put_hello_seen(struct scratch *scratch, const struct message_hello_seen *in)
{
    Amt__HelloSeen *out = scratch_take(scratch, 1, sizeof(*out));

    amt__hello_seen__init(out);
    out->uuid = put_bytes(in->uuid.bytes, sizeof(in->uuid.bytes));
    out->address = put_text(scratch, in->address);
    out->retry_count = in->retry_count;
    out->credentials_set = in->credentials_set;
    out->n_root_hashes = in->root_hash_count;
    out->root_hashes = put_root_hashes(scratch, in->root_hashes, in->root_hash_count);
    out->seen_at_ms = in->seen_at_ms;
    return &out->base;
}

static ProtobufCMessage *put_welcome(struct scratch *scratch, const struct message_welcome *in)
{
    Amt__Welcome *out = scratch_take(scratch, 1, sizeof(*out));

    amt__welcome__init(out);
    out->site = put_text(scratch, in->site);
    out->software_version = put_text(scratch, in->software_version);
    out->heartbeat_s = in->heartbeat_s;
    out->lease_s = in->lease_s;
    out->n_console_certificates = in->console_certificate_count;
    out->console_certificates =
        scratch_take(scratch, in->console_certificate_count, sizeof(*out->console_certificates));
    for (size_t i = 0; i < in->console_certificate_count; i++)
        out->console_certificates[i] =
            put_bytes(in->console_certificates[i].data, in->console_certificates[i].length);
    out->has_known_key = out->has_known_probes = out->has_known_bits = in->known.bits.length != 0;
    out->known_key = put_bytes(in->known.key, sizeof(in->known.key));
    out->known_probes = in->known.probes;
    out->known_bits = put_bytes(in->known.bits.data, in->known.bits.length);
    return &out->base;
}

static ProtobufCMessage *put_body(struct scratch *scratch, const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_REGISTER:
        return put_register(scratch, &message->reg);
    case MESSAGE_WELCOME:
        return put_welcome(scratch, &message->welcome);
    case MESSAGE_HEARTBEAT:
        return put_heartbeat(scratch, &message->heartbeat);
    case MESSAGE_HELLO_SEEN:
        return put_hello_seen(scratch, &message->hello_seen);
    case MESSAGE_HELLO_VERDICT: {
        Amt__HelloVerdict *out = scratch_take(scratch, 1, sizeof(*out));

        amt__hello_verdict__init(out);
        out->uuid = put_bytes(message->hello_verdict.uuid.bytes, sizeof(message->hello_verdict.uuid.bytes));
        out->offered = message->hello_verdict.offered;
        out->reason = put_reason(message->hello_verdict.reason);
        out->text = put_optional(scratch, message->hello_verdict.text);
        return &out->base;
    }
    case MESSAGE_JOB_OFFER:
        return put_job_offer(scratch, &message->job_offer);
    case MESSAGE_JOB_ACCEPT: {
        Amt__JobAccept *out = scratch_take(scratch, 1, sizeof(*out));

        amt__job_accept__init(out);
        out->attempt = put_attempt(scratch, message->job_accept);
        return &out->base;
    }
    case MESSAGE_JOB_DECLINE: {
        Amt__JobDecline *out = scratch_take(scratch, 1, sizeof(*out));

        amt__job_decline__init(out);
        out->attempt = put_attempt(scratch, message->job_decline.id);
        out->reason = put_text(scratch, put_reason(message->job_decline.reason));
        out->text = put_text(scratch, message->job_decline.text);
        return &out->base;
    }
    case MESSAGE_STEP_FINISHED: {
        Amt__StepFinished *out = scratch_take(scratch, 1, sizeof(*out));

        amt__step_finished__init(out);
        out->attempt = put_attempt(scratch, message->step_finished.id);
        out->n_steps = message->step_finished.step_count;
        out->steps = put_steps(scratch, message->step_finished.steps, message->step_finished.step_count);
        return &out->base;
    }
    case MESSAGE_ACCOUNT_WANTED: {
        Amt__AccountWanted *out = scratch_take(scratch, 1, sizeof(*out));

        amt__account_wanted__init(out);
        out->attempt = put_attempt(scratch, message->account_wanted.id);
        out->firmware_version = put_optional(scratch, message->account_wanted.firmware_version);
        return &out->base;
    }
    case MESSAGE_ACCOUNT: {
        Amt__DirectoryAccount *out = scratch_take(scratch, 1, sizeof(*out));

        amt__directory_account__init(out);
        out->attempt = put_attempt(scratch, message->account.id);
        out->configured = message->account.configured;
        out->kerberos = put_kerberos(scratch, message->account.kerberos);
        return &out->base;
    }
    case MESSAGE_CERTIFICATE_WANTED: {
        Amt__CertificateWanted *out = scratch_take(scratch, 1, sizeof(*out));

        amt__certificate_wanted__init(out);
        out->attempt = put_attempt(scratch, message->certificate_wanted.id);
        out->request =
            put_bytes(message->certificate_wanted.der.data, message->certificate_wanted.der.length);
        out->has_usage = true;
        out->usage = message->certificate_wanted.usage;
        out->firmware_version = put_optional(scratch, message->certificate_wanted.firmware_version);
        return &out->base;
    }
    case MESSAGE_CERTIFICATE: {
        Amt__Certificate *out = scratch_take(scratch, 1, sizeof(*out));

        amt__certificate__init(out);
        out->attempt = put_attempt(scratch, message->certificate.id);
        out->certificate = put_bytes(message->certificate.der.data, message->certificate.der.length);
        return &out->base;
    }
    case MESSAGE_LEASE_EXTEND: {
        Amt__LeaseExtend *out = scratch_take(scratch, 1, sizeof(*out));

        amt__lease_extend__init(out);
        out->n_attempts = message->lease_extend.running_count;
        out->attempts =
            put_attempts(scratch, message->lease_extend.running, message->lease_extend.running_count);
        return &out->base;
    }
    case MESSAGE_JOB_FINISHED:
        return put_job_finished(scratch, &message->job_finished);
    case MESSAGE_JOB_CLOSED: {
        Amt__JobClosed *out = scratch_take(scratch, 1, sizeof(*out));

        amt__job_closed__init(out);
        out->attempt = put_attempt(scratch, message->job_closed.id);
        out->accepted = message->job_closed.accepted;
        out->reason = put_reason(message->job_closed.reason);
        out->text = put_optional(scratch, message->job_closed.text);
        return &out->base;
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
        return put_agent_message(scratch, message);
    case MESSAGE_REFUSED:
        break;
    }
    Amt__Refused *out = scratch_take(scratch, 1, sizeof(*out));

    amt__refused__init(out);
    out->reason = put_text(scratch, put_reason(message->refused.reason));
    out->text = put_text(scratch, message->refused.text);
    return &out->base;
}

void message_write(const struct message *message, struct bytes *out)
{
    AUTO(scratch_free) struct scratch scratch = { 0 };
    AUTO(message_bytes_free) struct bytes body = { 0 };
    const ProtobufCMessage *packed = put_body(&scratch, message);
    Amt__Envelope envelope = AMT__ENVELOPE__INIT;

    body.length = protobuf_c_message_get_packed_size(packed);
    body.data = allocate(body.length);
    protobuf_c_message_pack(packed, body.data);
    envelope.version = MESSAGE_VERSION;
    envelope.kind = message->kind;
    envelope.correlation = message->correlation;
    envelope.has_body = true;
    envelope.body = put_bytes(body.data, body.length);
    message_bytes_free(out);
    out->length = amt__envelope__get_packed_size(&envelope);
    out->data = allocate(out->length);
    amt__envelope__pack(&envelope, out->data);
}

void message_bytes_free(struct bytes *bytes)
{
    if (bytes->data)
        secret_wipe(bytes->data, bytes->length);
    bytes_free(bytes);
}
