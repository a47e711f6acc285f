#include <string.h>

#include "firmware/wsman_kerberos.h"
#include "provisioning/steps.h"

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

/* The key cannot be read; its version stands for it. */
static bool as_wanted(const struct kerberos_settings *found, const struct kerberos_account *account)
{
    return found->enabled && strcmp(found->realm, account->realm) == 0 &&
           found->key_version == account->key_version && same_principals(found, account) &&
           found->has_aes_keys == (found->takes_passphrase && account->passphrase);
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

/* "Kerberos enabled (when a directory is configured)." Repeating it is harmless. The clock was set before;
 * tickets are judged by it. */
bool enable_kerberos(struct session *session, struct step_report *report, struct error *err)
{
    const struct kerberos_account *account = session->offer.kerberos;
    struct kerberos_settings found;
    struct kerberos_change change = { .enabled = true };

    if (!session->offer.directory_configured)
        return step_skipped(report, REASON_NO_DIRECTORY, "no directory configured");
    if (!account)
        return step_skipped(report, REASON_NO_DIRECTORY,
                            "the site server gave no key of a directory account");
    if (!wsman_kerberos_get(session->connection, &found, err))
        return false;
    session->kerberos_enabled = as_wanted(&found, account);
    if (session->kerberos_enabled)
        return step_unchanged(report, "realm %s, key version %u", account->realm, account->key_version);
    change.realm = account->realm;
    change.principals = (const char *const *)account->principals;
    change.principal_count = account->principal_count;
    change.key_version = account->key_version;
    if (!choose_key(&found, account, &change, err) || !wsman_kerberos_set(session->connection, &change, err))
        return false;
    session->kerberos_enabled = true;
    return step_done(report, "realm %s, key version %u, %s", account->realm, account->key_version,
                     change.passphrase ? "AES and RC4" : "RC4");
}
