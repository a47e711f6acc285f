/*
 * kerberos_key.h - the Kerberos keys of a computer's account in the directory, from the account's own
 * password.
 *
 * The directory derives its keys from the password when that is set; here the same keys are derived for the
 * firmware, which never asks the directory. So both sides agree as long as password, salt and rounds do. The
 * salt holds the account's name: a password that is set before a renaming keeps the salt of the former name.
 */
#ifndef DIRECTORY_KERBEROS_KEY_H
#define DIRECTORY_KERBEROS_KEY_H

#include <stdint.h>

#include "common/error.h"
#include "common/message.h"
#include "common/secret.h"

#define KERBEROS_ITERATIONS  4096 /* RFC 3962 4: the default; Active Directory knows no other */
#define KERBEROS_AES_SINCE   8    /* AMT SDK: AMT_KerberosSettingData takes a passphrase from AMT 8.0 on */
#define KERBEROS_KEY_VERSION 1    /* AMT SDK: the first; AMT stores it and compares it with nothing */

/* As in msDS-SupportedEncryptionTypes (MS-KILE 2.2.7). */
enum kerberos_encryption {
    KERBEROS_RC4 = 0x04,    /* RC4-HMAC, RFC 4757 */
    KERBEROS_AES128 = 0x08, /* AES128-CTS-HMAC-SHA1-96, RFC 3962 */
    KERBEROS_AES256 = 0x10, /* AES256-CTS-HMAC-SHA1-96, RFC 3962 */
};

/* What msDS-SupportedEncryptionTypes of the account is to be, so that the KDC issues tickets that this
 * firmware can read: RC4 before AMT 8.0, AES since. amt_major 0: not known yet, all of them. */
uint32_t kerberos_encryptions_of(unsigned amt_major);

/* The salt of a computer account (MS-KILE 3.1.1.2): REALM, "host", the name in lower case without a $ at its
 * end, ".", the realm in lower case. account_name: sAMAccountName. The caller frees. */
char *kerberos_computer_salt(const char *realm, const char *account_name);

/* The raw key, 16 or 32 octets, owned by the caller. RC4 uses neither salt nor iterations, which may be NULL
 * and 0. The password is UTF-8. */
bool kerberos_key_derive(enum kerberos_encryption encryption, const struct secret *password, const char *salt,
                         uint32_t iterations, struct secret **key, struct error *err) MUST_CHECK;

/* An account as the directory has it. */
struct kerberos_principal {
    const char *domain;            /* DNS name of the directory's domain, any case */
    const char *account_name;      /* sAMAccountName when the password was set */
    const char *fqdn;              /* of the computer: what clients ask tickets for */
    const struct secret *password; /* the account's own */
    uint32_t key_version;          /* msDS-KeyVersionNumber as read back; 0: KERBEROS_KEY_VERSION */
    unsigned amt_major;            /* of the firmware; 0: not known yet */
};

/*
 * What the firmware gets (AMT SDK: AMT_KerberosSettingData): before AMT 8.0 the RC4 key itself, which opens
 * nothing but this account's tickets; since 8.0 the password with salt and iterations, from which the
 * firmware derives all its keys. Both where the generation is not known. Owned by the caller,
 * kerberos_account_free().
 */
bool kerberos_account_make(const struct kerberos_principal *principal, struct kerberos_account **account,
                           struct error *err) MUST_CHECK;

#endif
