/* The parts of messages that say what a computer is to have: profile, networks, directory account. */
#include "message_writer.h"

static Amt__Eap *put_eap(struct scratch *scratch, const struct eap_settings *in)
{
    Amt__Eap *out;

    if (!in)
        return NULL;
    out = scratch_take(scratch, 1, sizeof(*out));
    amt__eap__init(out);
    out->protocol = in->protocol;
    out->username = put_text(scratch, in->username);
    out->has_password = in->password != NULL;
    if (in->password)
        out->password = put_secret(in->password);
    out->domain = put_optional(scratch, in->domain);
    out->roaming_identity = put_optional(scratch, in->roaming_identity);
    out->server_name = put_optional(scratch, in->server_name);
    out->has_server_name_match = in->server_name != NULL;
    out->server_name_match = in->server_name_match;
    out->trusted_root = put_bytes(in->trusted_root.data, in->trusted_root.length);
    return out;
}

static Amt__WirelessProfile *put_wireless_profile(struct scratch *scratch, const struct wireless_profile *in)
{
    Amt__WirelessProfile *out = scratch_take(scratch, 1, sizeof(*out));

    amt__wireless_profile__init(out);
    out->name = put_text(scratch, in->name);
    out->ssid = put_text(scratch, in->ssid);
    out->priority = in->priority;
    out->authentication = in->authentication;
    out->encryption = in->encryption;
    out->has_passphrase = in->passphrase != NULL;
    if (in->passphrase)
        out->passphrase = put_secret(in->passphrase);
    out->eap = put_eap(scratch, in->eap);
    out->has_password_version = out->has_password_changed = in->password_version != 0;
    out->password_version = in->password_version;
    out->password_changed = in->password_changed;
    return out;
}

static Amt__Wireless *put_wireless(struct scratch *scratch, const struct wireless_settings *in)
{
    Amt__Wireless *out;

    if (!in)
        return NULL;
    out = scratch_take(scratch, 1, sizeof(*out));
    amt__wireless__init(out);
    out->n_profiles = in->count;
    out->profiles = scratch_take(scratch, in->count, sizeof(*out->profiles));
    for (size_t i = 0; i < in->count; i++)
        out->profiles[i] = put_wireless_profile(scratch, &in->profiles[i]);
    out->has_synchronization = true;
    out->synchronization = in->synchronization;
    return out;
}

static Amt__Wired8021x *put_wired(struct scratch *scratch, const struct wired_8021x *in)
{
    Amt__Wired8021x *out;

    if (!in)
        return NULL;
    out = scratch_take(scratch, 1, sizeof(*out));
    amt__wired8021x__init(out);
    out->eap = put_eap(scratch, in->eap);
    out->has_pxe_timeout_s = true;
    out->pxe_timeout_s = in->pxe_timeout_s;
    out->has_active_in_s0 = true;
    out->active_in_s0 = in->active_in_s0;
    out->has_password_version = out->has_password_changed = in->password_version != 0;
    out->password_version = in->password_version;
    out->password_changed = in->password_changed;
    return out;
}

Amt__Kerberos *put_kerberos(struct scratch *scratch, const struct kerberos_account *in)
{
    Amt__Kerberos *out;

    if (!in)
        return NULL;
    out = scratch_take(scratch, 1, sizeof(*out));
    amt__kerberos__init(out);
    out->realm = put_text(scratch, in->realm);
    out->n_principals = in->principal_count;
    out->principals = put_texts(scratch, in->principals, in->principal_count);
    out->key_version = in->key_version;
    out->has_passphrase = in->passphrase != NULL;
    if (in->passphrase)
        out->passphrase = put_secret(in->passphrase);
    out->salt = put_optional(scratch, in->salt);
    out->has_iterations = in->iterations != 0;
    out->iterations = in->iterations;
    out->has_master_key = in->master_key != NULL;
    if (in->master_key)
        out->master_key = put_secret(in->master_key);
    out->has_key_is_new = true;
    out->key_is_new = in->key_is_new;
    return out;
}

Amt__Profile *put_profile(struct scratch *scratch, const struct profile *in)
{
    Amt__Profile *out = scratch_take(scratch, 1, sizeof(*out));

    amt__profile__init(out);
    out->name = put_text(scratch, in->name);
    out->first_stage = in->first_stage;
    out->ping = in->ping;
    out->web_interface = in->web_interface;
    out->serial_over_lan = in->serial_over_lan;
    out->ide_redirection = in->ide_redirection;
    out->kvm = in->kvm;
    out->user_consent = in->user_consent;
    out->always_on = in->always_on;
    out->mutual_tls = in->mutual_tls;
    out->n_users = in->user_count;
    out->users = scratch_take(scratch, in->user_count, sizeof(*out->users));
    for (size_t i = 0; i < in->user_count; i++) {
        const struct user_entry *from = &in->users[i];
        Amt__UserEntry *to = scratch_take(scratch, 1, sizeof(*to));

        amt__user_entry__init(to);
        to->username = put_optional(scratch, from->username);
        to->has_password = from->password != NULL;
        if (from->password)
            to->password = put_secret(from->password);
        to->has_sid = from->sid.length != 0;
        to->sid = put_bytes(from->sid.data, from->sid.length);
        to->access = from->access;
        to->n_realms = from->realm_count;
        to->realms = from->realms;
        to->has_password_version = from->password_version != 0;
        to->password_version = from->password_version;
        to->has_password_changed = to->password_changed = from->password_changed;
        out->users[i] = to;
    }
    out->n_trusted_names = in->trusted_name_count;
    out->trusted_names = put_texts(scratch, in->trusted_names, in->trusted_name_count);
    out->wireless = put_wireless(scratch, in->wireless);
    out->wired_8021x = put_wired(scratch, in->wired_8021x);
    out->has_kvm_session_timeout_min = in->kvm_session_timeout_min != 0;
    out->kvm_session_timeout_min = in->kvm_session_timeout_min;
    out->has_kvm_consent_timeout_s = in->kvm_consent_timeout_s != 0;
    out->kvm_consent_timeout_s = in->kvm_consent_timeout_s;
    return out;
}
