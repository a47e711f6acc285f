#include <stdlib.h>
#include <string.h>

#include "common/preflight.h"
#include "provisioning/steps.h"

#define REMOVAL_ROUNDS   3
#define LEFT_OUT_BECAUSE ": no directory configured, or no right that this firmware knows"

struct listed_entry {
    uint32_t handle;
    struct acl_entry entry;
};

struct acl { /* the entries that are not the system's */
    struct listed_entry entries[ACL_ENTRIES_MAX];
    size_t count;
};

static void acl_free(struct acl **acl)
{
    free(*acl);
    *acl = NULL;
}

static bool system_entry(const struct acl_entry *entry)
{
    return strncmp(entry->user, "$$", 2) == 0;
}

static int by_handle_descending(const void *a, const void *b)
{
    uint32_t left = ((const struct listed_entry *)a)->handle,
             right = ((const struct listed_entry *)b)->handle;

    return (left < right) - (left > right);
}

static bool read_acl(struct session *session, struct acl *acl, struct error *err)
{
    struct acl_handles handles = { 0 };

    acl->count = 0;
    if (!wsman_acl_list(session->connection, &handles, err))
        return false;
    for (size_t i = 0; i < handles.count; i++) {
        struct listed_entry *listed = &acl->entries[acl->count];

        memset(listed, 0, sizeof(*listed));
        listed->handle = handles.handles[i];
        if (!wsman_acl_get(session->connection, listed->handle, &listed->entry, err))
            return false;
        acl->count += !system_entry(&listed->entry);
    }
    qsort(acl->entries, acl->count, sizeof(acl->entries[0]), by_handle_descending);
    return true;
}

static bool has_realm(const uint32_t *realms, size_t count, uint32_t realm)
{
    for (size_t i = 0; i < count; i++) {
        if (realms[i] == realm)
            return true;
    }
    return false;
}

/* AMT SDK, realms: audit log (20) and access control (21) came with AMT 4.0. */
#define REALM_FIRST_OF_4_0 20u

static bool realm_is_known(const struct session *session, uint32_t realm)
{
    unsigned major = firmware_release_parse(session->result.firmware_version).major;

    return realm < REALM_FIRST_OF_4_0 || major == 0 || major >= 4;
}

/* The user's rights that this firmware knows, at most as many as fit into an entry. */
static size_t known_realms(const struct session *session, const struct user_entry *user,
                           uint32_t realms[ACL_REALMS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < user->realm_count && count < ACL_REALMS_MAX; i++) {
        if (realm_is_known(session, user->realms[i]))
            realms[count++] = user->realms[i];
    }
    return count;
}

static bool entry_is_of(const struct acl_entry *entry, const struct user_entry *user)
{
    return user->sid.length ? entry->sid_length == user->sid.length &&
                                  memcmp(entry->sid, user->sid.data, user->sid.length) == 0
                            : entry->sid_length == 0 && strcmp(entry->user, user->username) == 0;
}

/* Firmware never tells a password back: the site knows which one it took. */
static bool entry_fits(const struct session *session, const struct acl_entry *entry,
                       const struct user_entry *user)
{
    uint32_t realms[ACL_REALMS_MAX];
    size_t realm_count = known_realms(session, user, realms);

    if (user->password_changed)
        return false;
    if (entry->access != user->access || entry->realm_count != realm_count)
        return false;
    for (size_t i = 0; i < realm_count; i++) {
        if (!has_realm(entry->realms, entry->realm_count, realms[i]))
            return false;
    }
    return true;
}

/* Directory users and groups need Kerberos, which needs a directory; and an entry without a right is none. */
static bool user_applies(const struct session *session, const struct user_entry *user)
{
    uint32_t realms[ACL_REALMS_MAX];

    return (user->sid.length == 0 || session->kerberos_enabled) &&
           (user->realm_count == 0 || known_realms(session, user, realms) > 0);
}

static bool entry_wanted(const struct session *session, const struct acl_entry *entry)
{
    const struct profile *profile = &session->offer.profile;

    for (size_t i = 0; i < profile->user_count; i++) {
        if (user_applies(session, &profile->users[i]) && entry_is_of(entry, &profile->users[i]))
            return true;
    }
    return false;
}

static size_t count_unwanted(const struct session *session, const struct acl *acl)
{
    size_t count = 0;

    for (size_t i = 0; i < acl->count; i++)
        count += !entry_wanted(session, &acl->entries[i].entry);
    return count;
}

#define DIGEST_USERS_MAX    7  /* AMT SDK: besides admin */
#define DIRECTORY_USERS_MAX 32 /* AMT SDK: users and groups */
#define SID_HEAD            8  /* MS-DTYP 2.4.2.2: before the sub-authorities, of 4 octets each */

static bool sid_valid(const struct bytes *sid)
{
    return sid->length >= SID_HEAD && sid->length <= ACL_SID_MAX && sid->data[0] == 1 &&
           sid->length == SID_HEAD + 4u * sid->data[1];
}

/* What firmware would refuse half-way, when the former entries are gone already. */
static bool users_fit(const struct session *session, struct error *err)
{
    const struct profile *profile = &session->offer.profile;
    size_t directory = 0;

    for (size_t i = 0; i < profile->user_count; i++) {
        if (profile->users[i].sid.length && !sid_valid(&profile->users[i].sid))
            return error_because(err, REASON_PROFILE_INVALID,
                                 "profile %s has a SID of %zu octets; AMT takes whole ones of at most %d",
                                 profile->name, profile->users[i].sid.length, ACL_SID_MAX);
        directory += profile->users[i].sid.length != 0;
    }
    if (directory > DIRECTORY_USERS_MAX || profile->user_count - directory > DIGEST_USERS_MAX)
        return error_because(err, REASON_PROFILE_INVALID,
                             "profile %s has %zu users with passwords and %zu of the directory; AMT takes %d "
                             "besides admin, and %d",
                             profile->name, profile->user_count - directory, directory, DIGEST_USERS_MAX,
                             DIRECTORY_USERS_MAX);
    return true;
}

/* Highest handle first, because firmware may move the ones above a removed entry down. */
static bool remove_unwanted(struct session *session, struct acl *acl, struct error *err)
{
    size_t unwanted;

    for (unsigned round = 0; (unwanted = count_unwanted(session, acl)) > 0; round++) {
        if (round == REMOVAL_ROUNDS)
            return error_because(err, REASON_FIRMWARE_STATUS,
                                 "%zu entries of the access control list are still there after being removed",
                                 unwanted);
        for (size_t i = 0; i < acl->count; i++) {
            const struct listed_entry *listed = &acl->entries[i];

            if (!entry_wanted(session, &listed->entry) &&
                !wsman_acl_remove(session->connection, listed->handle, err))
                return error_during(err, "entry %u (%s)", listed->handle, listed->entry.user);
        }
        if (!read_acl(session, acl, err))
            return false;
    }
    return true;
}

static const struct listed_entry *find_entry(const struct acl *acl, const struct user_entry *user)
{
    for (size_t i = 0; i < acl->count; i++) {
        if (entry_is_of(&acl->entries[i].entry, user))
            return &acl->entries[i];
    }
    return NULL;
}

/* Adds the user, or writes over the entry that is there. */
static bool write_user(struct session *session, const struct user_entry *user,
                       const struct listed_entry *listed, struct error *err)
{
    struct acl_entry entry = { .access = user->access };
    uint32_t handle;
    bool written;

    if (user->realm_count > ACL_REALMS_MAX || user->sid.length > ACL_SID_MAX ||
        (user->username && strlen(user->username) >= sizeof(entry.user)))
        return error_because(err, REASON_PROFILE_INVALID,
                             "user %s of profile %s does not fit into an entry of AMT",
                             user->username ? user->username : "(SID)", session->offer.profile.name);
    entry.realm_count = known_realms(session, user, entry.realms);
    if (user->sid.length) {
        memcpy(entry.sid, user->sid.data, user->sid.length);
        entry.sid_length = user->sid.length;
    } else {
        strcpy(entry.user, user->username);
        digest_a1(user->username, session->digest_realm, user->password, entry.digest_a1);
    }
    written = listed ? wsman_acl_update(session->connection, listed->handle, &entry, err)
                     : wsman_acl_add(session->connection, &entry, &handle, err);
    secret_wipe(entry.digest_a1, sizeof(entry.digest_a1));
    if (!written && user->sid.length && err->reason == REASON_STORE_FULL)
        error_during(err, "the firmware takes no more directory users, or none of another domain (a domain "
                          "is all of a SID but its last number)");
    if (!written)
        return error_during(err, "user %s", user->username ? user->username : "(SID)");
    session_note_user(session, user);
    return true;
}

/* "ACL: existing entries deleted (system entries `$$...` stay), then the profile's user accounts and rights
 * written." An entry that is as the profile wants it, password included, is left alone, which comes to the
 * same and spares the flash. Repeating it is harmless. */
bool write_access_control_list(struct session *session, struct step_report *report, struct error *err)
{
    const struct profile *profile = &session->offer.profile;
    AUTO(acl_free) struct acl *acl = allocate(sizeof(*acl));
    size_t removed, written = 0, kept = 0;

    if (!users_fit(session, err) || !read_acl(session, acl, err))
        return false;
    removed = count_unwanted(session, acl);
    if (!remove_unwanted(session, acl, err))
        return false;
    for (size_t i = 0; i < profile->user_count; i++) {
        const struct user_entry *user = &profile->users[i];
        const struct listed_entry *listed = find_entry(acl, user);

        if (!user_applies(session, user))
            continue;
        if (listed && entry_fits(session, &listed->entry, user)) {
            kept++;
            continue;
        }
        if (!write_user(session, user, listed, err))
            return false;
        written++;
    }
    if (removed == 0 && written == 0)
        report->outcome = STEP_UNCHANGED;
    report->detail = text_format("%zu removed, %zu users written, %zu as they are; %zu left out%s", removed,
                                 written, kept, profile->user_count - written - kept, LEFT_OUT_BECAUSE);
    return true;
}
