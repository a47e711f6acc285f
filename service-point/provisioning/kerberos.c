#include <string.h>

#include "firmware/wsman_kerberos.h"
#include "provisioning/first_stage.h"
#include "provisioning/steps.h"

#define CLOCK_OFF_MOST_S (KERBEROS_TOLERANCE_MIN * 60 / 5)

static bool same_principals(const struct kerberos_settings *found, const struct kerberos_account *account)
{
    if (found->principal_count == 0) /* some firmware takes them and keeps none */
        return true;
    if (found->principal_count != account->principal_count)
        return false;
    for (size_t i = 0; i < found->principal_count; i++) {
        if (strcmp(found->principals[i], account->principals[i]) != 0)
            return false;
    }
    return true;
}

/* The key cannot be read: what is told of it stands for it, unless the site knows better. */
static bool same_key(const struct kerberos_settings *found, const struct kerberos_account *account)
{
    bool aes = found->takes_passphrase && account->passphrase;

    if (account->key_is_new || found->key_version != account->key_version)
        return false;
    if (found->tells_keys && found->has_aes_keys != aes)
        return false;
    if (!aes)
        return true;
    return (found->salt[0] == '\0' || strcmp(found->salt, account->salt) == 0) &&
           (found->iterations == 0 || found->iterations == account->iterations);
}

static bool as_wanted(const struct kerberos_settings *found, const struct kerberos_account *account)
{
    return found->enabled && strcmp(found->realm, account->realm) == 0 && same_key(found, account) &&
           same_principals(found, account) &&
           (found->tolerance_min == 0 || found->tolerance_min == KERBEROS_TOLERANCE_MIN);
}

/* Jobs without a step for the clock find it as it has run since the last one that had. It is set when it has
 * used up a fifth of what AMT tolerates: the clients' clocks are off too. */
static bool keep_clock_near(struct session *session, int64_t *was_off_s, struct error *err)
{
    int64_t offset_s;
    bool changed;

    *was_off_s = 0;
    if (session->clock_synchronized)
        return true;
    if (!wsman_time_synchronize(session->connection, now_s, CLOCK_OFF_MOST_S, &offset_s, &changed, err))
        return error_during(err, "the clock that tickets are judged by");
    if (changed)
        *was_off_s = offset_s;
    return true;
}

/* From AMT 8.0 on firmware derives its keys from the passphrase, AES among them; before, it takes the RC4 key
 * itself (AMT SDK: AMT_KerberosSettingData). */
static bool choose_key(const struct kerberos_settings *found, const struct kerberos_account *account,
                       struct kerberos_change *change, struct error *err)
{
    if (found->takes_passphrase && account->passphrase) {
        change->passphrase = account->passphrase;
        change->salt = account->salt;
        change->iterations = account->iterations;
        return true;
    }
    if (!account->master_key)
        return error_because(err, REASON_UNSUPPORTED,
                             found->takes_passphrase
                                 ? "the site server gave no key of the directory account"
                                 : "this firmware knows RC4 only, and the site server gave no RC4 key of the "
                                   "directory account");
    change->rc4_key = (const uint8_t *)secret_reveal(account->master_key);
    return true;
}

static bool report_kerberos(struct step_report *report, const struct kerberos_account *account,
                            const char *key, int64_t was_off_s)
{
    AUTO(text_free)
    char *clock = was_off_s ? text_format("; clock was %lld s off", (long long)was_off_s) : text_copy("");

    if (!key && !was_off_s)
        return step_unchanged(report, "realm %s, key version %u", account->realm, account->key_version);
    return step_done(report, "realm %s, key version %u%s%s%s", account->realm, account->key_version,
                     key ? ", " : "", key ? key : "", clock);
}

/* "Kerberos enabled (when a directory is configured)." Repeating it is harmless.
 *
 * Firmware holds one key. So the password changes in the directory first: until this step a ticket of before
 * still opens, one of after does not yet; from here on it is the other way round, and a client asks for a new
 * one. If this step is never reached, nothing was lost in firmware, and the next attempt makes up for it. */
bool enable_kerberos(struct session *session, struct step_report *report, struct error *err)
{
    const struct kerberos_account *account = session->offer.kerberos;
    struct kerberos_settings found;
    struct kerberos_change change = { .enabled = true };
    int64_t was_off_s;

    if (!session->offer.directory_configured)
        return step_skipped(report, REASON_NO_DIRECTORY, "no directory configured");
    if (!account)
        return step_skipped(report, REASON_NO_DIRECTORY,
                            "the site server gave no key of a directory account");
    if (!keep_clock_near(session, &was_off_s, err) || !wsman_kerberos_get(session->connection, &found, err))
        return false;
    session->kerberos_enabled = as_wanted(&found, account);
    if (session->kerberos_enabled)
        return report_kerberos(report, account, NULL, was_off_s);
    change.realm = account->realm;
    change.principals = (const char *const *)account->principals;
    change.principal_count = account->principal_count;
    change.key_version = account->key_version;
    if (!choose_key(&found, account, &change, err) || !wsman_kerberos_set(session->connection, &change, err))
        return false;
    session->kerberos_enabled = true;
    return report_kerberos(report, account, change.passphrase ? "AES and RC4" : "RC4", was_off_s);
}
