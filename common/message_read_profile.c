/* The parts of messages that say what a computer is to have: profile, networks, directory account. */

#include "message_reader.h"

#define PRINCIPALS_MAX        4     /* AMT SDK: AMT_KerberosSettingData.ServicePrincipalName */
#define MASTER_KEY_BYTES      16    /* RFC 4757: RC4-HMAC */
#define PXE_TIMEOUT_MAX_S     86400 /* AMT SDK: AMT_8021XProfile.PxeTimeout */
#define PXE_TIMEOUT_DEFAULT_S 120   /* the same */

static struct eap_settings *read_eap(struct reader *reader, const Amt__Eap *in)
{
    struct eap_settings *out;

    if (!in)
        return NULL;
    out = allocate(sizeof(*out));
    out->protocol = read_enum(reader, "protocol", in->protocol, EAP_TLS, EAP_PEAP_MSCHAPV2);
    out->username = read_text(reader, "username", in->username);
    if (in->has_password != (out->protocol != EAP_TLS))
        wrong(reader, "eap", "needs a password, or must not have one with EAP-TLS");
    out->password = in->has_password ? read_secret(reader, "password", in->password) : NULL;
    out->domain = read_text(reader, "domain", in->domain);
    out->roaming_identity = read_text(reader, "roaming_identity", in->roaming_identity);
    out->server_name = read_text(reader, "server_name", in->server_name);
    out->server_name_match =
        read_enum(reader, "server_name_match", in->server_name_match, SERVER_NAME_FULL, SERVER_NAME_SUFFIX);
    read_bytes(reader, "trusted_root", true, in->trusted_root, &out->trusted_root);
    return out;
}

static bool is_8021x(uint32_t authentication)
{
    return authentication == WIRELESS_WPA_8021X || authentication == WIRELESS_WPA2_8021X;
}

static void read_wireless_profile(struct reader *reader, const Amt__WirelessProfile *in,
                                  struct wireless_profile *out)
{
    out->name = read_text(reader, "name", in->name);
    out->ssid = read_text(reader, "ssid", in->ssid);
    out->priority = read_enum(reader, "priority", in->priority, 1, UINT8_MAX);
    out->authentication =
        in->authentication == WIRELESS_WPA3_SAE
            ? WIRELESS_WPA3_SAE
            : read_enum(reader, "authentication", in->authentication, WIRELESS_WPA_PSK, WIRELESS_WPA2_8021X);
    out->encryption = in->encryption == WIRELESS_GCMP_256
                          ? WIRELESS_GCMP_256
                          : read_enum(reader, "encryption", in->encryption, WIRELESS_TKIP, WIRELESS_CCMP);
    if (is_8021x(in->authentication) != (in->eap != NULL) || (in->eap == NULL) != in->has_passphrase)
        wrong(reader, "wireless", "needs either a passphrase or, with 802.1X, EAP settings");
    out->passphrase = in->has_passphrase ? read_secret(reader, "passphrase", in->passphrase) : NULL;
    out->eap = read_eap(reader, in->eap);
    out->password_version = read_password_version(reader, in->password_version);
    out->password_changed = in->password_changed;
}

static struct wireless_settings *read_wireless(struct reader *reader, const Amt__Wireless *in)
{
    struct wireless_settings *out;

    if (!in)
        return NULL;
    out = allocate(sizeof(*out));
    out->synchronization =
        read_enum(reader, "synchronization", in->synchronization, SYNCHRONIZE_LEAVE, SYNCHRONIZE_ALL);
    if (in->n_profiles > WIRELESS_PROFILES_MAX) {
        wrong(reader, "wireless", "has more profiles than AMT holds");
        return out;
    }
    out->profiles = allocate(in->n_profiles * sizeof(*out->profiles));
    out->count = in->n_profiles;
    for (size_t i = 0; i < in->n_profiles; i++)
        read_wireless_profile(reader, in->profiles[i], &out->profiles[i]);
    return out;
}

static struct wired_8021x *read_wired(struct reader *reader, const Amt__Wired8021x *in)
{
    struct wired_8021x *out;

    if (!in)
        return NULL;
    out = allocate(sizeof(*out));
    out->eap = read_eap(reader, in->eap);
    out->pxe_timeout_s =
        read_enum(reader, "pxe_timeout_s", in->has_pxe_timeout_s ? in->pxe_timeout_s : PXE_TIMEOUT_DEFAULT_S,
                  0, PXE_TIMEOUT_MAX_S);
    out->active_in_s0 = in->has_active_in_s0 ? in->active_in_s0 : true;
    out->password_version = read_password_version(reader, in->password_version);
    out->password_changed = in->password_changed;
    return out;
}

/* Unlike a password it may hold any octet. */
static struct secret *read_key(struct reader *reader, const char *field, ProtobufCBinaryData data)
{
    if (data.len == MASTER_KEY_BYTES)
        return secret_new(data.data, data.len);
    wrong(reader, field, "has not 16 bytes");
    return NULL;
}

struct kerberos_account *read_kerberos(struct reader *reader, const Amt__Kerberos *in)
{
    struct kerberos_account *out;

    if (!in)
        return NULL;
    out = allocate(sizeof(*out));
    if (in->n_principals > PRINCIPALS_MAX)
        wrong(reader, "principals", "are more than AMT holds");
    if (in->has_passphrase != (in->salt != NULL) || in->has_passphrase != in->has_iterations)
        wrong(reader, "kerberos", "needs passphrase, salt and iterations, or none of them");
    out->realm = read_text(reader, "realm", in->realm);
    out->principals = read_texts(reader, "principals", in->principals, in->n_principals);
    out->principal_count = in->n_principals;
    out->key_version = in->key_version;
    out->passphrase = in->has_passphrase ? read_secret(reader, "passphrase", in->passphrase) : NULL;
    out->salt = read_text(reader, "salt", in->salt);
    out->iterations = in->iterations;
    out->master_key = in->has_master_key ? read_key(reader, "master_key", in->master_key) : NULL;
    out->key_is_new = in->key_is_new;
    return out;
}

void read_profile(struct reader *reader, const Amt__Profile *in, struct profile *out)
{
    out->name = read_text(reader, "profile", in->name);
    out->first_stage = read_enum(reader, "first_stage", in->first_stage, FIRST_STAGE_AUTO, FIRST_STAGE_WSMAN);
    out->ping = in->ping;
    out->web_interface = in->web_interface;
    out->serial_over_lan = in->serial_over_lan;
    out->ide_redirection = in->ide_redirection;
    out->kvm = in->kvm;
    out->always_on = in->always_on;
    out->mutual_tls = in->mutual_tls;
    out->user_consent = read_enum(reader, "user_consent", in->user_consent, CONSENT_NONE, CONSENT_ALL);
    out->users = in->n_users ? allocate(in->n_users * sizeof(*out->users)) : NULL;
    out->user_count = in->n_users;
    for (size_t i = 0; i < in->n_users; i++) {
        const Amt__UserEntry *from = in->users[i];
        struct user_entry *to = &out->users[i];

        if (!!from->username != !!from->has_password || !!from->username == !!from->has_sid)
            wrong(reader, "users", "needs either a user name with a password or a SID");
        to->username = read_text(reader, "username", from->username);
        to->password = from->has_password ? read_secret(reader, "password", from->password) : NULL;
        read_bytes(reader, "sid", from->has_sid, from->sid, &to->sid);
        to->access = read_enum(reader, "access", from->access, 0, 2);
        to->realms = from->n_realms ? allocate(from->n_realms * sizeof(*to->realms)) : NULL;
        to->realm_count = from->n_realms;
        for (size_t r = 0; r < from->n_realms; r++)
            to->realms[r] = from->realms[r];
        to->password_version = read_password_version(reader, from->password_version);
        to->password_changed = from->has_password_changed && from->password_changed;
    }
    if (in->n_trusted_names > PROFILE_TRUSTED_NAMES_MAX)
        wrong(reader, "trusted_names", "are more than AMT holds");
    out->trusted_names = read_texts(reader, "trusted_names", in->trusted_names, in->n_trusted_names);
    out->trusted_name_count = in->n_trusted_names;
    out->wireless = read_wireless(reader, in->wireless);
    out->wired_8021x = read_wired(reader, in->wired_8021x);
    out->kvm_session_timeout_min =
        read_enum(reader, "kvm_session_timeout_min", in->kvm_session_timeout_min, 0, UINT16_MAX);
    out->kvm_consent_timeout_s =
        read_enum(reader, "kvm_consent_timeout_s", in->kvm_consent_timeout_s, 0, UINT16_MAX);
}
