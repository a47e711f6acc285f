/* message_write_agent.c - the messages of the agents' dialogue, from message.h's structs to bytes. */
#include "message_writer.h"

static Amt__WiredAddress *put_wired_address(struct scratch *scratch, const struct wired_address *in)
{
    Amt__WiredAddress *out;

    if (!in->address)
        return NULL;
    out = scratch_take(scratch, 1, sizeof(*out));
    amt__wired_address__init(out);
    out->address = put_text(scratch, in->address);
    out->has_prefix_bits = in->prefix_bits != 0;
    out->prefix_bits = in->prefix_bits;
    return out;
}

static ProtobufCMessage *put_enrol(struct scratch *scratch, const struct message_enrol *in)
{
    Amt__Enrol *out = scratch_take(scratch, 1, sizeof(*out));

    amt__enrol__init(out);
    out->has_token = in->token != NULL;
    if (in->token)
        out->token = put_secret(in->token);
    out->uuid = put_bytes(in->uuid.bytes, sizeof(in->uuid.bytes));
    out->agent_version = put_text(scratch, in->agent_version);
    out->fqdn = put_optional(scratch, in->fqdn);
    out->amt_version = put_optional(scratch, in->amt_version);
    out->wired = put_wired_address(scratch, &in->wired);
    out->has_mac = in->mac_known;
    out->mac = put_bytes(in->mac, sizeof(in->mac));
    out->dns_suffix = put_optional(scratch, in->dns_suffix);
    out->n_root_hashes = in->root_hash_count;
    out->root_hashes = put_root_hashes(scratch, in->root_hashes, in->root_hash_count);
    out->has_provisioning_state = in->setup_state != SETUP_UNKNOWN;
    out->provisioning_state = in->setup_state;
    out->has_control_mode = in->control_mode != CONTROL_UNKNOWN;
    out->control_mode = in->control_mode;
    out->has_amt_enabled = in->amt_disabled;
    out->amt_enabled = false;
    return &out->base;
}

static ProtobufCMessage *put_enrolled(struct scratch *scratch, const struct message_enrolled *in)
{
    Amt__Enrolled *out = scratch_take(scratch, 1, sizeof(*out));

    amt__enrolled__init(out);
    out->site = put_text(scratch, in->site);
    out->software_version = put_text(scratch, in->software_version);
    return &out->base;
}

static ProtobufCMessage *put_policy(struct scratch *scratch, const struct message_policy *in)
{
    Amt__Policy *out = scratch_take(scratch, 1, sizeof(*out));

    amt__policy__init(out);
    out->provision = in->provision;
    out->reason = put_reason(in->reason);
    out->text = put_optional(scratch, in->text);
    out->n_root_hashes = in->root_hash_count;
    out->root_hashes = put_root_hashes(scratch, in->root_hashes, in->root_hash_count);
    out->enable_amt = in->enable_amt;
    out->come_back_s = in->come_back_s;
    return &out->base;
}

static ProtobufCMessage *put_check_failed(struct scratch *scratch, const struct message_check_failed *in)
{
    Amt__CheckFailed *out = scratch_take(scratch, 1, sizeof(*out));

    amt__check_failed__init(out);
    out->reason = put_text(scratch, put_reason(in->reason));
    out->text = put_text(scratch, in->text);
    out->has_firmware_status = in->firmware_status != 0;
    out->firmware_status = in->firmware_status;
    return &out->base;
}

static ProtobufCMessage *put_otp_register(struct scratch *scratch, const struct message_otp_register *in)
{
    Amt__OtpRegister *out = scratch_take(scratch, 1, sizeof(*out));

    amt__otp_register__init(out);
    out->uuid = put_bytes(in->uuid.bytes, sizeof(in->uuid.bytes));
    out->salt = put_bytes(in->salt.data, in->salt.length);
    out->hash = put_bytes(in->hash.data, in->hash.length);
    out->fqdn = put_optional(scratch, in->fqdn);
    out->amt_version = put_optional(scratch, in->amt_version);
    out->wired = put_wired_address(scratch, &in->wired);
    return &out->base;
}

static ProtobufCMessage *put_otp_registered(struct scratch *scratch, const struct message_otp_registered *in)
{
    Amt__OtpRegistered *out = scratch_take(scratch, 1, sizeof(*out));

    amt__otp_registered__init(out);
    out->expires_s = in->expires_s;
    return &out->base;
}

static ProtobufCMessage *put_activated(struct scratch *scratch, const struct message_activated *in)
{
    Amt__Activated *out = scratch_take(scratch, 1, sizeof(*out));

    amt__activated__init(out);
    out->uuid = put_bytes(in->uuid.bytes, sizeof(in->uuid.bytes));
    out->wired = put_wired_address(scratch, &in->wired);
    return &out->base;
}

static ProtobufCMessage *put_policy_wanted(struct scratch *scratch)
{
    Amt__PolicyWanted *out = scratch_take(scratch, 1, sizeof(*out));

    amt__policy_wanted__init(out);
    return &out->base;
}

static ProtobufCMessage *put_noted(struct scratch *scratch)
{
    Amt__Noted *out = scratch_take(scratch, 1, sizeof(*out));

    amt__noted__init(out);
    return &out->base;
}

ProtobufCMessage *put_agent_message(struct scratch *scratch, const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_ENROL:
        return put_enrol(scratch, &message->enrol);
    case MESSAGE_ENROLLED:
        return put_enrolled(scratch, &message->enrolled);
    case MESSAGE_POLICY_WANTED:
        return put_policy_wanted(scratch);
    case MESSAGE_POLICY:
        return put_policy(scratch, &message->policy);
    case MESSAGE_CHECK_FAILED:
        return put_check_failed(scratch, &message->check_failed);
    case MESSAGE_OTP_REGISTER:
        return put_otp_register(scratch, &message->otp_register);
    case MESSAGE_OTP_REGISTERED:
        return put_otp_registered(scratch, &message->otp_registered);
    case MESSAGE_ACTIVATED:
        return put_activated(scratch, &message->activated);
    default: /* NOTED */
        return put_noted(scratch);
    }
}
