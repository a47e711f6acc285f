#include "jobs/preparation_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/sealed_row.h"

/* For firmware's own list of whom it lets in no more (AMT SDK: AddCRL). */
static void put_revoked(struct message_job_offer *offer, const struct offer_source *site)
{
    if (!offer->profile.mutual_tls)
        return;
    offer->revoked_console_count = rows_count(site->revoked);
    offer->revoked_consoles = allocate(offer->revoked_console_count * sizeof(*offer->revoked_consoles));
    for (size_t i = 0; i < offer->revoked_console_count; i++) {
        size_t length;
        const unsigned char *serial = row_bytes(site->revoked, i, "serial", &length);

        bytes_set(&offer->revoked_consoles[i], serial, length);
    }
}

size_t preparation_find_profile(const struct offer_source *site, const char *name)
{
    size_t row = 0;

    while (row < rows_count(site->profiles) && strcmp(row_text(site->profiles, row, "name"), name) != 0)
        row++;
    assert(row < rows_count(site->profiles)); /* a foreign key */
    return row;
}

static unsigned word_index(const char *word, const char *const *words, unsigned count)
{
    unsigned i = 0;

    while (i < count && strcmp(words[i], word) != 0)
        i++;
    assert(i < count); /* the table's CHECK allows no other */
    return i;
}

/* Firmware tells no password back: what it has is what it is known to have taken. */
static bool has_password(const struct offer_source *site, const struct uuid *uuid, const char *name,
                         int64_t version)
{
    for (size_t i = 0; i < rows_count(site->written); i++) {
        const struct uuid owner = row_uuid(site->written, i, "uuid");

        if (uuid_equal(&owner, uuid) && strcmp(row_text(site->written, i, "name"), name) == 0)
            return row_number(site->written, i, "password_version") == version;
    }
    return false;
}

/* Its SID is looked up by the directory's threads, as soon as a profile names it (directory/account.h). */
static bool error_about_name(const struct offer_source *site, size_t row, struct error *err)
{
    const char *name = row_text(site->users, row, "name"), *why = row_text(site->users, row, "reason_code");

    if (!site->settings->directory_configured)
        return error_because(err, REASON_PROFILE_INVALID, "no directory is configured to look up %s", name);
    if (why && strcmp(why, reason_of(REASON_DIRECTORY_NAME_UNKNOWN)->name) == 0)
        return error_because(err, REASON_DIRECTORY_NAME_UNKNOWN, "the directory has no user or group %s",
                             name);
    return error_because(err, REASON_DIRECTORY_NAME_PENDING, "%s was not looked up yet", name);
}

static bool put_user(struct user_entry *user, const struct preparation *item, const struct offer_source *site,
                     size_t row, struct error *err)
{
    const char *name = row_text(site->users, row, "name");
    char place[VAULT_PLACE_SIZE];
    const unsigned char *sid;
    size_t length;

    vault_place_profile_user(row_text(site->users, row, "profile"), name, place);
    if (!sealed_row_open(site->vault, site->users, row, place, &user->password, err))
        return error_during(err, "user %s of the profile", name);
    sid = row_bytes(site->users, row, "sid", &length);
    if (!sid && row_bool(site->users, row, "by_name"))
        return error_about_name(site, row, err);
    if (sid)
        bytes_set(&user->sid, sid, length);
    else
        user->username = text_copy(name);
    if (user->password) {
        int64_t version = row_number(site->users, row, "password_version");

        user->password_version = (uint64_t)version;
        user->password_changed = !has_password(site, &item->uuid, name, version);
    }
    user->access = (uint32_t)row_number(site->users, row, "access");
    user->realm_count = row_text_count(site->users, row, "realms");
    user->realms = allocate(user->realm_count * sizeof(*user->realms));
    for (size_t i = 0; i < user->realm_count; i++)
        user->realms[i] = (uint32_t)strtoul(row_text_element(site->users, row, "realms", i), NULL, 10);
    return true;
}

static bool put_users(struct profile *profile, const struct preparation *item,
                      const struct offer_source *site, struct error *err)
{
    profile->users = allocate(rows_count(site->users) * sizeof(*profile->users));
    for (size_t i = 0; i < rows_count(site->users); i++) {
        if (strcmp(row_text(site->users, i, "profile"), profile->name) == 0 &&
            !put_user(&profile->users[profile->user_count++], item, site, i, err))
            return false;
    }
    return true;
}

static void put_trusted_names(struct profile *profile, const struct offer_source *site, size_t row)
{
    profile->trusted_name_count = row_text_count(site->profiles, row, "trusted_names");
    profile->trusted_names = allocate(profile->trusted_name_count * sizeof(*profile->trusted_names));
    for (size_t i = 0; i < profile->trusted_name_count; i++)
        profile->trusted_names[i] = text_copy(row_text_element(site->profiles, row, "trusted_names", i));
}

bool preparation_put_profile(struct preparation *item, const struct job_kind *kind,
                             const struct offer_source *site, size_t row, struct error *err)
{
    static const char *const stages[] = { "auto", "eoi", "wsman" };
    static const char *const consents[] = { "none", "kvm", "all" };
    const struct rows *rows = site->profiles;
    struct profile *profile = &item->offer.job_offer.profile;

    profile->name = text_copy(row_text(rows, row, "name"));
    profile->first_stage = word_index(row_text(rows, row, "first_stage"), stages, COUNT_OF(stages));
    profile->user_consent = word_index(row_text(rows, row, "user_consent"), consents, COUNT_OF(consents));
    profile->ping = row_bool(rows, row, "ping");
    profile->web_interface = row_bool(rows, row, "web_interface");
    profile->serial_over_lan = row_bool(rows, row, "serial_over_lan");
    profile->ide_redirection = row_bool(rows, row, "ide_redirection");
    profile->kvm = row_bool(rows, row, "kvm");
    profile->always_on = strcmp(row_text(rows, row, "power"), "always-on") == 0;
    profile->mutual_tls = strcmp(row_text(rows, row, "tls"), "mutual") == 0;
    put_trusted_names(profile, site, row);
    put_revoked(&item->offer.job_offer, site);
    return !kind->applies_profile || put_users(profile, item, site, err);
}
