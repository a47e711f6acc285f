#include "directory/kerberos_key.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <krb5.h>
#include <stdlib.h>
#include <string.h>

/* The web server's two ports and the redirection's two (AMT SDK: ServicePrincipalName), in this order. */
static const unsigned ports[] = { 16992, 16993, 16994, 16995 };

static const struct {
    enum kerberos_encryption encryption;
    krb5_enctype number; /* RFC 3961 8 and RFC 4757 */
    const char *name;
} encryptions[] = {
    { KERBEROS_RC4, ENCTYPE_ARCFOUR_HMAC, "RC4-HMAC" },
    { KERBEROS_AES128, ENCTYPE_AES128_CTS_HMAC_SHA1_96, "AES128-CTS-HMAC-SHA1-96" },
    { KERBEROS_AES256, ENCTYPE_AES256_CTS_HMAC_SHA1_96, "AES256-CTS-HMAC-SHA1-96" },
};

uint32_t kerberos_encryptions_of(unsigned amt_major)
{
    if (amt_major == 0)
        return KERBEROS_RC4 | KERBEROS_AES128 | KERBEROS_AES256;
    return amt_major < KERBEROS_AES_SINCE ? KERBEROS_RC4 : KERBEROS_AES128 | KERBEROS_AES256;
}

/* ASCII only: names of domains and computers are (RFC 1123 2.1). */
static char *in_case(const char *text, int change(int))
{
    char *copy = text_copy(text);

    for (char *at = copy; *at; at++)
        *at = (char)change((unsigned char)*at);
    return copy;
}

char *kerberos_computer_salt(const char *realm, const char *account_name)
{
    AUTO(text_free) char *upper = in_case(realm, toupper);
    AUTO(text_free) char *lower = in_case(realm, tolower);
    AUTO(text_free) char *name = in_case(account_name, tolower);
    size_t length = strlen(name);

    if (length > 0 && name[length - 1] == '$')
        name[length - 1] = '\0';
    return text_format("%shost%s.%s", upper, name, lower);
}

static krb5_data data_of(const void *bytes, size_t length)
{
    return (krb5_data){ .data = (char *)bytes, .length = (unsigned)length };
}

/* The library's own words, "cause: remedy" for what a person can mend. */
static bool library_failed(krb5_context context, krb5_error_code code, const char *what, struct error *err)
{
    const char *words = krb5_get_error_message(context, code);

    error_set(err, ERROR_INTERNAL, "%s: %s", what, words);
    krb5_free_error_message(context, words);
    return false;
}

static bool derive(krb5_context context, krb5_enctype number, const char *name, const krb5_data inputs[3],
                   struct secret **key, struct error *err)
{
    krb5_keyblock block = { 0 };
    krb5_error_code code = krb5_c_string_to_key_with_params(context, number, &inputs[0], &inputs[1],
                                                            inputs[2].length ? &inputs[2] : NULL, &block);

    if (code)
        return library_failed(context, code, name, err);
    *key = secret_new(block.contents, block.length);
    krb5_free_keyblock_contents(context, &block); /* wipes it */
    return true;
}

bool kerberos_key_derive(enum kerberos_encryption encryption, const struct secret *password, const char *salt,
                         uint32_t iterations, struct secret **key, struct error *err)
{
    const uint32_t rounds = htonl(iterations); /* RFC 3962 4: four octets, most significant first */
    krb5_context context = NULL;
    krb5_error_code code;
    bool derived = false;
    size_t i = 0;

    while (i < COUNT_OF(encryptions) && encryptions[i].encryption != encryption)
        i++;
    if (i == COUNT_OF(encryptions))
        return error_set(err, ERROR_INPUT, "0x%x is no single encryption type of Kerberos that AMT knows",
                         encryption);
    if (encryption != KERBEROS_RC4 && (!salt || iterations == 0))
        return error_set(err, ERROR_INPUT, "%s needs a salt and iterations", encryptions[i].name);
    code = krb5_init_secure_context(&context); /* no environment variables: only the system's configuration */
    if (code)
        return library_failed(NULL, code, "cannot use libkrb5, see /etc/krb5.conf", err);
    derived = derive(context, encryptions[i].number, encryptions[i].name,
                     (krb5_data[3]){ data_of(secret_reveal(password), secret_length(password)),
                                     data_of(salt, salt ? strlen(salt) : 0),
                                     data_of(&rounds, encryption == KERBEROS_RC4 ? 0 : sizeof(rounds)) },
                     key, err);
    krb5_free_context(context);
    return derived;
}

static void name_services(struct kerberos_account *account, const char *fqdn)
{
    account->principals = allocate(COUNT_OF(ports) * sizeof(*account->principals));
    for (size_t i = 0; i < COUNT_OF(ports); i++)
        account->principals[i] = text_format("HTTP/%s:%u", fqdn, ports[i]);
    account->principal_count = COUNT_OF(ports);
}

bool kerberos_account_make(const struct kerberos_principal *principal, struct kerberos_account **account,
                           struct error *err)
{
    AUTO(kerberos_account_free) struct kerberos_account *making = allocate(sizeof(*making));
    const uint32_t wanted = kerberos_encryptions_of(principal->amt_major);

    making->realm = in_case(principal->domain, toupper);
    making->key_version = principal->key_version ? principal->key_version : KERBEROS_KEY_VERSION;
    name_services(making, principal->fqdn);
    if (wanted & KERBEROS_AES256) {
        making->passphrase = secret_copy(principal->password);
        making->salt = kerberos_computer_salt(principal->domain, principal->account_name);
        making->iterations = KERBEROS_ITERATIONS;
    }
    if ((wanted & KERBEROS_RC4) &&
        !kerberos_key_derive(KERBEROS_RC4, principal->password, NULL, 0, &making->master_key, err))
        return error_during(err, "the Kerberos key of %s", principal->account_name);
    *account = TAKE(making);
    return true;
}
