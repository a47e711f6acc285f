#include "negotiate.h"

#include "encoding.h"
#include "ticket.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char scheme[] = "Negotiate ";

bool negotiate_offered(const struct device *device)
{
    return device->kerberos.enabled && device->state == STATE_POST;
}

bool negotiate_is(const char *authorization)
{
    return !strncasecmp(authorization, scheme, strlen(scheme));
}

/* ---- tickets seen ---- */

/* A ticket comes with an authenticator of its own each time; the same one again is somebody else's copy
 * (RFC 4120 3.2.3). */
static bool remember(struct device *device, const struct span *request, struct error *err)
{
    struct kerberos_memory *memory = &device->kerberos_memory;
    time_t now = device_clock(device), window = 60 * (time_t)device->kerberos.tolerance_min;
    struct seen_ticket seen = { .until = now + 2 * window };
    struct seen_ticket *place = NULL;

    EVP_Digest(request->bytes, request->length, seen.hash, NULL, EVP_sha256(), NULL);
    for (size_t i = 0; i < memory->seen_count; i++) {
        struct seen_ticket *old = &memory->seen[i];

        if (old->until < now)
            place = old;
        else if (!memcmp(old->hash, seen.hash, sizeof(seen.hash)))
            return error_set(err, "RFC 4120 3.2.3: this authenticator came before");
    }
    if (!place && memory->seen_count == TICKETS_SEEN_MAX)
        return error_set(err, "the firmware's memory of tickets is full");
    if (!place) {
        memory->seen = reallocate(memory->seen, (memory->seen_count + 1) * sizeof(seen));
        place = &memory->seen[memory->seen_count++];
    }
    *place = seen;
    return true;
}

/* ---- rights ---- */

static bool entry_is_of(const struct acl_entry *entry, const struct membership *membership)
{
    for (size_t i = 0; entry->sid_length && i < membership->count; i++)
        if (membership->sids[i].length == entry->sid_length &&
            !memcmp(membership->sids[i].bytes, entry->sid, entry->sid_length))
            return true;
    return false;
}

static bool find_rights(const struct device *device, const struct ticket_holder *holder,
                        struct identity *identity, struct error *err)
{
    bool found = false;

    for (size_t i = 0; i < device->acl_count; i++) {
        const struct acl_entry *entry = &device->acl[i];

        if (!entry->enabled || !entry->access || !entry_is_of(entry, &holder->membership))
            continue;
        identity->realms |= entry->realms;
        found = true;
    }
    return found || error_set(err, "%.120s: none of its %zu SIDs is in the access control list",
                              holder->client, holder->membership.count);
}

/* ---- login ---- */

/* Before AMT 6.0 the names count [inferred: each at its own port]; later firmware does not look at them (AMT
 * SDK: ServicePrincipalName). */
static void name_services(const struct device *device, bool over_tls, const char *services[SPN_MAX],
                          struct ticket_settings *settings)
{
    const struct kerberos_settings *kerberos = &device->kerberos;

    if (device->generation->major >= 6)
        return;
    for (unsigned i = 0; i < kerberos->spns; i++)
        if (kerberos->protocol[i] == over_tls)
            services[settings->service_count++] = kerberos->spn[i];
    settings->services = services;
}

static bool judge(struct device *device, const struct negotiation *negotiation, bool over_tls,
                  struct ticket_holder *holder, struct error *err)
{
    const struct kerberos_settings *kerberos = &device->kerberos;
    const char *services[SPN_MAX];
    struct ticket_settings settings = {
        .realm = kerberos->realm,
        .master_key = kerberos->has_master_key ? kerberos->master_key : NULL,
        .passphrase = kerberos->passphrase,
        .salt = kerberos->salt,
        .iterations = kerberos->iterations,
        .tolerance_min = kerberos->tolerance_min,
        .now = device_clock(device),
    };

    name_services(device, over_tls, services, &settings);
    return ticket_accept(&settings, negotiation, holder, err);
}

static bool log_in(struct device *device, const unsigned char *bytes, size_t length, bool over_tls,
                   struct identity *identity, struct text *token, struct error *err)
{
    struct negotiation negotiation;
    struct ticket_holder holder = { 0 };
    struct text answer = { 0 };
    bool good;

    if (!negotiation_read(bytes, length, &negotiation, err) ||
        !judge(device, &negotiation, over_tls, &holder, err))
        return false;
    good = remember(device, &negotiation.request, err) && find_rights(device, &holder, identity, err);
    if (good) {
        snprintf(identity->user, sizeof(identity->user), "%.63s", holder.client);
        replace_text(&device->kerberos_memory.client, holder.client);
        replace_text(&device->kerberos_memory.encryption, holder.encryption);
        negotiation_answer(&negotiation, holder.reply, holder.reply_length, &answer);
        base64_append(token, text_value(&answer), answer.length);
        text_release(&answer);
    }
    ticket_holder_release(&holder);
    return good;
}

static bool decode(const struct device *device, const char *authorization, unsigned char **bytes,
                   size_t *length, struct error *err)
{
    const char *encoded = authorization + strlen(scheme);
    unsigned longest = device->generation->ticket_longest;

    if (longest && strlen(encoded) > longest)
        return error_set(err, "the ticket has %zu characters of base64, this firmware takes %u",
                         strlen(encoded), longest);
    return base64_decode(encoded, bytes, length) ||
           error_set(err, "RFC 4559 4.2: the credentials are not base64");
}

bool negotiate_login(struct device *device, const char *authorization, bool over_tls,
                     struct identity *identity, struct text *token, struct error *err)
{
    struct identity coming = { 0 };
    unsigned char *bytes = NULL;
    size_t length = 0;
    bool good = negotiate_offered(device) || error_set(err, "Negotiate was not offered");

    good = good && decode(device, authorization, &bytes, &length, err) &&
           log_in(device, bytes, length, over_tls, &coming, token, err);
    free(bytes);
    if (good)
        *identity = coming;
    else
        replace_text(&device->kerberos_memory.refusal, err->message);
    return good;
}
