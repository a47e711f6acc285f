#include "message.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
    [MESSAGE_REGISTER] = "REGISTER",
    [MESSAGE_WELCOME] = "WELCOME",
    [MESSAGE_HEARTBEAT] = "HEARTBEAT",
    [MESSAGE_HELLO_SEEN] = "HELLO_SEEN",
    [MESSAGE_HELLO_VERDICT] = "HELLO_VERDICT",
    [MESSAGE_JOB_OFFER] = "JOB_OFFER",
    [MESSAGE_JOB_ACCEPT] = "JOB_ACCEPT",
    [MESSAGE_JOB_DECLINE] = "JOB_DECLINE",
    [MESSAGE_STEP_FINISHED] = "STEP_FINISHED",
    [MESSAGE_ACCOUNT_WANTED] = "ACCOUNT_WANTED",
    [MESSAGE_ACCOUNT] = "ACCOUNT",
    [MESSAGE_CERTIFICATE_WANTED] = "CERTIFICATE_WANTED",
    [MESSAGE_CERTIFICATE] = "CERTIFICATE",
    [MESSAGE_LEASE_EXTEND] = "LEASE_EXTEND",
    [MESSAGE_JOB_FINISHED] = "JOB_FINISHED",
    [MESSAGE_JOB_CLOSED] = "JOB_CLOSED",
    [MESSAGE_REFUSED] = "REFUSED",
    [MESSAGE_ENROL] = "ENROL",
    [MESSAGE_ENROLLED] = "ENROLLED",
    [MESSAGE_POLICY_WANTED] = "POLICY_WANTED",
    [MESSAGE_POLICY] = "POLICY",
    [MESSAGE_CHECK_FAILED] = "CHECK_FAILED",
    [MESSAGE_NOTED] = "NOTED",
    [MESSAGE_OTP_REGISTER] = "OTP_REGISTER",
    [MESSAGE_OTP_REGISTERED] = "OTP_REGISTERED",
    [MESSAGE_ACTIVATED] = "ACTIVATED",
};

const char *message_kind_name(enum message_kind kind)
{
    return kind >= MESSAGE_REGISTER && kind <= MESSAGE_KIND_LAST && kind_names[kind] ? kind_names[kind] : "?";
}

size_t root_hash_length(unsigned algorithm)
{
    static const uint8_t lengths[] = { 0, 20, 32, 48 };

    return algorithm < COUNT_OF(lengths) ? lengths[algorithm] : 0;
}

const char *root_hash_algorithm_name(unsigned algorithm)
{
    static const char *const names[] = { "?", "SHA-1", "SHA-256", "SHA-384" };

    return algorithm < COUNT_OF(names) ? names[algorithm] : "?";
}

static void texts_clear(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

void account_clear(struct account *account)
{
    free(account->reference);
    free(account->username);
    secret_free(&account->password);
    memset(account, 0, sizeof(*account));
}

void user_entry_clear(struct user_entry *user)
{
    free(user->username);
    secret_free(&user->password);
    bytes_free(&user->sid);
    free(user->realms);
    memset(user, 0, sizeof(*user));
}

void eap_settings_free(struct eap_settings **eap)
{
    if (!*eap)
        return;
    free((*eap)->username);
    secret_free(&(*eap)->password);
    free((*eap)->domain);
    free((*eap)->roaming_identity);
    free((*eap)->server_name);
    bytes_free(&(*eap)->trusted_root);
    free(*eap);
    *eap = NULL;
}

void wireless_settings_free(struct wireless_settings **wireless)
{
    if (!*wireless)
        return;
    for (size_t i = 0; i < (*wireless)->count; i++) {
        struct wireless_profile *profile = &(*wireless)->profiles[i];

        free(profile->name);
        free(profile->ssid);
        secret_free(&profile->passphrase);
        eap_settings_free(&profile->eap);
    }
    free((*wireless)->profiles);
    free(*wireless);
    *wireless = NULL;
}

void wired_8021x_free(struct wired_8021x **wired)
{
    if (!*wired)
        return;
    eap_settings_free(&(*wired)->eap);
    free(*wired);
    *wired = NULL;
}

void kerberos_account_free(struct kerberos_account **kerberos)
{
    if (!*kerberos)
        return;
    free((*kerberos)->realm);
    texts_clear((*kerberos)->principals, (*kerberos)->principal_count);
    secret_free(&(*kerberos)->passphrase);
    free((*kerberos)->salt);
    secret_free(&(*kerberos)->master_key);
    free(*kerberos);
    *kerberos = NULL;
}

void profile_clear(struct profile *profile)
{
    wireless_settings_free(&profile->wireless);
    wired_8021x_free(&profile->wired_8021x);
    free(profile->name);
    for (size_t i = 0; i < profile->user_count; i++)
        user_entry_clear(&profile->users[i]);
    free(profile->users);
    texts_clear(profile->trusted_names, profile->trusted_name_count);
    memset(profile, 0, sizeof(*profile));
}

void step_report_clear(struct step_report *step)
{
    free(step->number);
    free(step->name);
    free(step->detail);
    memset(step, 0, sizeof(*step));
}

static void steps_clear(struct step_report *steps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        step_report_clear(&steps[i]);
    free(steps);
}

static void register_clear(struct message_register *reg)
{
    free(reg->name);
    free(reg->software_version);
    texts_clear(reg->subnets, reg->subnet_count);
    for (size_t i = 0; i < reg->certificate_count; i++) {
        free(reg->certificates[i].subject);
        free(reg->certificates[i].root_subject);
        for (size_t k = 0; k < reg->certificates[i].chain_count; k++)
            bytes_free(&reg->certificates[i].chain[k]);
        free(reg->certificates[i].chain);
    }
    free(reg->certificates);
    free(reg->running);
    bytes_free(&reg->console_request);
}

static void job_offer_clear(struct message_job_offer *offer)
{
    free(offer->kind);
    free(offer->address);
    free(offer->host_name);
    free(offer->domain);
    free(offer->firmware_version);
    free(offer->root_hashes);
    for (size_t i = 0; i < offer->account_count; i++)
        account_clear(&offer->accounts[i]);
    free(offer->accounts);
    secret_free(&offer->admin_password);
    secret_free(&offer->mebx_password);
    profile_clear(&offer->profile);
    for (size_t i = 0; i < offer->issuer_count; i++)
        bytes_free(&offer->issuers[i]);
    free(offer->issuers);
    bytes_free(&offer->otp_salt);
    bytes_free(&offer->otp_hash);
    free(offer->domain_suffix);
    free(offer->former_address);
    kerberos_account_free(&offer->kerberos);
    bytes_free(&offer->certificate);
    for (size_t i = 0; i < offer->revoked_console_count; i++)
        bytes_free(&offer->revoked_consoles[i]);
    free(offer->revoked_consoles);
}

static void job_finished_clear(struct message_job_finished *finished)
{
    free(finished->text);
    free(finished->firmware_version);
    free(finished->account_used);
    texts_clear(finished->accounts_refused, finished->accounts_refused_count);
    bytes_free(&finished->device_fingerprint);
    bytes_free(&finished->certificate);
    steps_clear(finished->steps, finished->step_count);
    texts_clear(finished->settings, finished->setting_count);
    bytes_free(&finished->client_certificate);
    for (size_t i = 0; i < finished->user_count; i++)
        free(finished->users[i].username);
    free(finished->users);
    for (size_t i = 0; i < finished->network_count; i++)
        free(finished->networks[i].wireless);
    free(finished->networks);
}

static void enrol_clear(struct message_enrol *enrol)
{
    secret_free(&enrol->token);
    free(enrol->agent_version);
    free(enrol->fqdn);
    free(enrol->amt_version);
    free(enrol->wired.address);
    free(enrol->dns_suffix);
    free(enrol->root_hashes);
}

static void otp_register_clear(struct message_otp_register *otp)
{
    bytes_free(&otp->salt);
    bytes_free(&otp->hash);
    free(otp->fqdn);
    free(otp->amt_version);
    free(otp->wired.address);
}

void message_free(struct message *message)
{
    switch (message->kind) {
    case MESSAGE_REGISTER:
        register_clear(&message->reg);
        break;
    case MESSAGE_WELCOME:
        free(message->welcome.site);
        free(message->welcome.software_version);
        for (size_t i = 0; i < message->welcome.console_certificate_count; i++)
            bytes_free(&message->welcome.console_certificates[i]);
        free(message->welcome.console_certificates);
        known_set_clear(&message->welcome.known);
        break;
    case MESSAGE_HEARTBEAT:
        free(message->heartbeat.running);
        for (size_t i = 0; i < message->heartbeat.counter_count; i++)
            free(message->heartbeat.counters[i].name);
        free(message->heartbeat.counters);
        break;
    case MESSAGE_HELLO_SEEN:
        free(message->hello_seen.address);
        free(message->hello_seen.root_hashes);
        break;
    case MESSAGE_HELLO_VERDICT:
        free(message->hello_verdict.text);
        break;
    case MESSAGE_JOB_OFFER:
        job_offer_clear(&message->job_offer);
        break;
    case MESSAGE_JOB_DECLINE:
        free(message->job_decline.text);
        break;
    case MESSAGE_STEP_FINISHED:
        steps_clear(message->step_finished.steps, message->step_finished.step_count);
        break;
    case MESSAGE_CERTIFICATE_WANTED:
    case MESSAGE_CERTIFICATE:
        bytes_free(&message->certificate.der);
        free(message->certificate.firmware_version);
        break;
    case MESSAGE_LEASE_EXTEND:
        free(message->lease_extend.running);
        break;
    case MESSAGE_JOB_FINISHED:
        job_finished_clear(&message->job_finished);
        break;
    case MESSAGE_JOB_CLOSED:
        free(message->job_closed.text);
        break;
    case MESSAGE_REFUSED:
        free(message->refused.text);
        break;
    case MESSAGE_ENROL:
        enrol_clear(&message->enrol);
        break;
    case MESSAGE_ENROLLED:
        free(message->enrolled.site);
        free(message->enrolled.software_version);
        break;
    case MESSAGE_POLICY:
        free(message->policy.text);
        free(message->policy.root_hashes);
        break;
    case MESSAGE_CHECK_FAILED:
        free(message->check_failed.text);
        break;
    case MESSAGE_OTP_REGISTER:
        otp_register_clear(&message->otp_register);
        break;
    case MESSAGE_ACTIVATED:
        free(message->activated.wired.address);
        break;
    case MESSAGE_ACCOUNT_WANTED:
        free(message->account_wanted.firmware_version);
        break;
    case MESSAGE_ACCOUNT:
        kerberos_account_free(&message->account.kerberos);
        break;
    case MESSAGE_POLICY_WANTED:
    case MESSAGE_NOTED:
    case MESSAGE_OTP_REGISTERED:
    case MESSAGE_JOB_ACCEPT:
        break;
    }
    memset(message, 0, sizeof(*message));
}
