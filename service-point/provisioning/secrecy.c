#include "provisioning/secrecy.h"

#include <string.h>

#define SECRET_SHORTEST 8

static void blot(char *text, const struct secret *secret)
{
    size_t length = secret ? secret_length(secret) : 0;
    char *found = text;

    if (length < SECRET_SHORTEST)
        return;
    while ((found = memmem(found, strlen(found), secret_reveal(secret), length))) {
        memset(found, '*', length);
        found += length;
    }
}

static void blot_networks(const struct profile *profile, char *text)
{
    for (size_t i = 0; profile->wireless && i < profile->wireless->count; i++) {
        const struct wireless_profile *network = &profile->wireless->profiles[i];

        blot(text, network->passphrase);
        blot(text, network->eap ? network->eap->password : NULL);
    }
    if (profile->wired_8021x && profile->wired_8021x->eap)
        blot(text, profile->wired_8021x->eap->password);
}

void secrecy_keep(const struct message_job_offer *offer, char *text)
{
    const struct profile *profile = &offer->profile;

    if (!text)
        return;
    blot(text, offer->admin_password);
    blot(text, offer->mebx_password);
    for (size_t i = 0; i < offer->account_count; i++)
        blot(text, offer->accounts[i].password);
    for (size_t i = 0; i < profile->user_count; i++)
        blot(text, profile->users[i].password);
    blot_networks(profile, text);
    if (offer->kerberos)
        blot(text, offer->kerberos->passphrase);
}
