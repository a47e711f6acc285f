/* Spec 7: the Kerberos keys of a computer's account, against published vectors. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "common/encoding.h"
#include "directory/kerberos_key.h"

/* libk5crypto refuses fewer rounds than the default, but for its own tests; the published vectors have fewer.
 */
extern unsigned k5_allow_weak_pbkdf2iter;

static void expect_key(enum kerberos_encryption encryption, const char *password, const char *salt,
                       uint32_t iterations, const char *wanted_hex)
{
    AUTO(secret_free) struct secret *text = secret_from_text(password);
    AUTO(secret_free) struct secret *key = NULL;
    struct error err = { 0 };
    char hex[2 * 32 + 1];

    if (!kerberos_key_derive(encryption, text, salt, iterations, &key, &err))
        fail_msg("%s", err.message);
    assert_true(secret_length(key) <= 32);
    assert_string_equal(hex_encode(secret_reveal(key), secret_length(key), hex), wanted_hex);
}

/* RFC 3962, appendix B: string-to-key. */
static void aes_keys_are_those_of_rfc_3962(void **state)
{
    static const struct {
        const char *password, *salt;
        uint32_t iterations;
        const char *aes128, *aes256;
    } vectors[] = {
        { "password", "ATHENA.MIT.EDUraeburn", 1, "42263c6e89f4fc28b8df68ee09799f15",
          "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161" },
        { "password", "ATHENA.MIT.EDUraeburn", 2, "c651bf29e2300ac27fa469d693bdda13",
          "a2e16d16b36069c135d5e9d2e25f896102685618b95914b467c67622225824ff" },
        { "password", "ATHENA.MIT.EDUraeburn", 1200, "4c01cd46d632d01e6dbe230a01ed642a",
          "55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a" },
        { "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", "pass phrase equals block size",
          1200, "59d1bb789a828b1aa54ef9c2883f69ed",
          "89adee3608db8bc71f1bfbfe459486b05618b70cbae22092534e56c553ba4b34" },
        { "\xf0\x9d\x84\x9e", "EXAMPLE.COMpianist", 50, "f149c1f2e154a73452d43e7fe62a56e5",
          "4b6d9839f84406df1f09cc166db4b83c571848b784a3d6bdc346589a3e393f9e" },
    };

    (void)state;
    k5_allow_weak_pbkdf2iter = 1;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        expect_key(KERBEROS_AES128, vectors[i].password, vectors[i].salt, vectors[i].iterations,
                   vectors[i].aes128);
        expect_key(KERBEROS_AES256, vectors[i].password, vectors[i].salt, vectors[i].iterations,
                   vectors[i].aes256);
    }
    k5_allow_weak_pbkdf2iter = 0;
}

/* RFC 4757 2: MD4 over UTF-16LE, the NT hash of MS-NLMP 4.2.2.1.2; salt and iterations play no part. */
static void rc4_keys_are_nt_hashes_whatever_the_salt(void **state)
{
    (void)state;
    expect_key(KERBEROS_RC4, "foo", NULL, 0, "ac8e657f83df82beea5d43bdaf7800cc");
    expect_key(KERBEROS_RC4, "Password", NULL, 0, "a4f49c406510bdcab6824ee7c30fd852");
    expect_key(KERBEROS_RC4, "Password", "AMT.EXAMPLE.COMhostpc1.amt.example.com", 4096,
               "a4f49c406510bdcab6824ee7c30fd852");
}

/* What `samba-tool domain exportkeytab` (Samba 4.17) gives for computer accounts of AMT.EXAMPLE.COM. */
static void keys_are_those_that_a_domain_controller_derives(void **state)
{
    static const struct {
        const char *account, *aes128, *aes256;
    } accounts[] = {
        { "PC1$", "b37759b6833ae30fa19705a29fef1010",
          "e1451fd35961d7a36737739837822780f74853bcfbebac2a3efe3f152b76ced9" },
        { "Pc2$iME$", "ace98cd18842f77de7da5f1978864a31",
          "aecfda3d3e0eecd01d328588082553f9cfca71294010442750ba1beb92782753" },
    };
    static const char password[] = "Correct-Horse-Battery-42";

    (void)state;
    for (size_t i = 0; i < COUNT_OF(accounts); i++) {
        AUTO(text_free) char *salt = kerberos_computer_salt("amt.example.com", accounts[i].account);

        expect_key(KERBEROS_AES128, password, salt, KERBEROS_ITERATIONS, accounts[i].aes128);
        expect_key(KERBEROS_AES256, password, salt, KERBEROS_ITERATIONS, accounts[i].aes256);
    }
    expect_key(KERBEROS_RC4, password, NULL, 0, "d5dc894b67d2e923e792badb38da1766");
}

static void an_aes_key_without_salt_or_rounds_is_refused(void **state)
{
    AUTO(secret_free) struct secret *password = secret_from_text("password");
    struct secret *key = NULL;
    struct error err = { 0 };

    (void)state;
    assert_false(kerberos_key_derive(KERBEROS_AES256, password, NULL, 4096, &key, &err));
    assert_non_null(strstr(err.message, "AES256-CTS-HMAC-SHA1-96"));
    assert_false(kerberos_key_derive(KERBEROS_AES128, password, "SALT", 0, &key, &err));
    assert_false(kerberos_key_derive((enum kerberos_encryption)0x18, password, "SALT", 1, &key, &err));
    assert_null(key);
}

/* MS-KILE 3.1.1.2 */
static void the_salt_of_a_computer_is_made_of_realm_and_name(void **state)
{
    static const struct {
        const char *realm, *account, *salt;
    } cases[] = {
        { "AMT.EXAMPLE.COM", "PC1$", "AMT.EXAMPLE.COMhostpc1.amt.example.com" },
        { "amt.example.com", "pc1$", "AMT.EXAMPLE.COMhostpc1.amt.example.com" },
        { "amt.example.com", "Pc1iME", "AMT.EXAMPLE.COMhostpc1ime.amt.example.com" },
        { "amt.example.com", "PC1$iME$", "AMT.EXAMPLE.COMhostpc1$ime.amt.example.com" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(text_free) char *salt = kerberos_computer_salt(cases[i].realm, cases[i].account);

        assert_string_equal(salt, cases[i].salt);
    }
}

static struct kerberos_account *make_account(unsigned amt_major)
{
    AUTO(secret_free) struct secret *password = secret_from_text("Password");
    const struct kerberos_principal principal = { .domain = "amt.example.com",
                                                  .account_name = "PC1$",
                                                  .fqdn = "pc1.site.example.com",
                                                  .password = password,
                                                  .key_version = 7,
                                                  .amt_major = amt_major };
    struct kerberos_account *account = NULL;
    struct error err = { 0 };

    if (!kerberos_account_make(&principal, &account, &err))
        fail_msg("%s", err.message);
    return account;
}

/* AMT SDK: AMT_KerberosSettingData */
static void firmware_before_8_0_gets_the_rc4_key_alone(void **state)
{
    AUTO(kerberos_account_free) struct kerberos_account *account = make_account(7);
    char hex[2 * 16 + 1];

    (void)state;
    assert_int_equal(secret_length(account->master_key), 16);
    assert_string_equal(hex_encode(secret_reveal(account->master_key), 16, hex),
                        "a4f49c406510bdcab6824ee7c30fd852");
    assert_null(account->passphrase);
    assert_null(account->salt);
    assert_int_equal(account->iterations, 0);
    assert_int_equal(kerberos_encryptions_of(7), 0x04);
}

static void firmware_from_8_0_gets_passphrase_salt_and_rounds(void **state)
{
    AUTO(kerberos_account_free) struct kerberos_account *account = make_account(8);

    (void)state;
    assert_null(account->master_key);
    assert_string_equal(secret_reveal(account->passphrase), "Password");
    assert_string_equal(account->salt, "AMT.EXAMPLE.COMhostpc1.amt.example.com");
    assert_int_equal(account->iterations, 4096);
    assert_int_equal(kerberos_encryptions_of(8), 0x18);
    assert_int_equal(kerberos_encryptions_of(19), 0x18);
}

static void unknown_firmware_gets_either_key_with_realm_version_and_names(void **state)
{
    static const char *const names[] = { "HTTP/pc1.site.example.com:16992", "HTTP/pc1.site.example.com:16993",
                                         "HTTP/pc1.site.example.com:16994",
                                         "HTTP/pc1.site.example.com:16995" };
    AUTO(kerberos_account_free) struct kerberos_account *account = make_account(0);

    (void)state;
    assert_non_null(account->master_key);
    assert_non_null(account->passphrase);
    assert_int_equal(kerberos_encryptions_of(0), 0x1c);
    assert_string_equal(account->realm, "AMT.EXAMPLE.COM");
    assert_int_equal(account->key_version, 7);
    assert_int_equal(account->principal_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(account->principals[i], names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes_keys_are_those_of_rfc_3962),
        cmocka_unit_test(rc4_keys_are_nt_hashes_whatever_the_salt),
        cmocka_unit_test(keys_are_those_that_a_domain_controller_derives),
        cmocka_unit_test(an_aes_key_without_salt_or_rounds_is_refused),
        cmocka_unit_test(the_salt_of_a_computer_is_made_of_realm_and_name),
        cmocka_unit_test(firmware_before_8_0_gets_the_rc4_key_alone),
        cmocka_unit_test(firmware_from_8_0_gets_passphrase_salt_and_rounds),
        cmocka_unit_test(unknown_firmware_gets_either_key_with_realm_version_and_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
