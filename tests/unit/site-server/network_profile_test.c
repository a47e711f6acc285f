/* Spec 5, O8.4: networks of a profile: what the database takes and refuses, what an offer gets, and the text
 * form. With a real PostgreSQL. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/profile_file.h"
#include "control/profile_passwords.h"
#include "jobs/network_profile.h"
#include "statement.h"
#include "tests/unit/site-server/fresh_database.h"

static struct fresh_database fresh;
static struct database *db;
static struct vault *vault;

/* A sealed value of so many characters, as far as the database can see; ROOT looks like a certificate. */
#define SEALED(characters)                                                                                   \
    "ROW('k', decode(repeat('00', 12), 'hex'), decode(repeat('00', 16 + " #characters                        \
    "), 'hex'), NULL)::amt.sealed"
#define ROOT "decode('30' || repeat('00', 99), 'hex')"

static bool run(const char *text, struct rows **rows, struct error *err)
{
    return database_run_once(db, &(struct sql_text){ "test", text }, NULL, rows, err);
}

static void sql(const char *text)
{
    struct error err = { 0 };

    if (!run(text, NULL, &err))
        fail_msg("%s: %s", text, err.message);
}

static int start(void **state)
{
    AUTO(text_free) char *keys = NULL;
    struct database_options options = { .program = "network_profile_test",
                                        .statements = statement_texts,
                                        .statement_count = STATEMENT_COUNT };
    struct error err = { 0 };

    (void)state;
    if (fresh_database_start(&fresh, &err)) {
        keys = fresh_database_path(&fresh, "keys");
        options.url = fresh_database_url(&fresh);
        if (database_open(&db, &options, &err) && vault_key_create(keys, &err) &&
            vault_load(&vault, keys, &err))
            return 0;
    }
    print_error("%s\n", err.message);
    return -1;
}

static int stop(void **state)
{
    (void)state;
    vault_free(&vault);
    database_close(&db);
    fresh_database_stop(&fresh);
    return 0;
}

static void clear(void)
{
    sql("DELETE FROM amt_store.profile_wireless");
    sql("DELETE FROM amt_store.profile_wired_8021x");
    sql("DELETE FROM amt_store.profile_network");
}

/* ---- what the database refuses ---------------------------------------------------------------------- */

static void a_wireless_profile_that_no_firmware_takes_is_refused_with_the_reason(void **state)
{
#define PSK(settings) "'default', 'office', '" settings "', NULL, " SEALED(20)
#define GOOD(more)    "{\"ssid\": \"office\", \"priority\": 1, \"authentication\": \"wpa2-psk\"" more "}"
#define EAP(more)     "{\"ssid\": \"corp\", \"priority\": 1, \"authentication\": \"wpa2-802.1x\"" more "}"
    static const struct {
        const char *arguments, *reason;
    } cases[] = {
        { "'none', 'office', '{}'", "there is no profile none" },
        { "'default', '', '{}'", "cannot be called so" },
        { "'default', '-office', '{}'", "cannot be called so" },
        { "'default', repeat('n', 33), '{}'", "cannot be called so" },
        { PSK("[]"), "no JSON object" },
        { PSK(GOOD(", \"colour\": \"red\"")), "there is no setting colour" },
        { PSK("{\"priority\": 1}"), "the SSID has 0 bytes" },
        { PSK("{\"ssid\": \"\"}"), "the SSID has 0 bytes" },
        { "'default', 'office', jsonb_build_object('ssid', repeat('s', 33)), NULL, " SEALED(20),
          "the SSID has 33 bytes" },
        { PSK("{\"ssid\": \"a\", \"authentication\": \"wep\"}"), "authentication cannot be wep" },
        { PSK("{\"ssid\": \"a\"}"), "authentication cannot be absent" },
        { PSK("{\"ssid\": \"a\", \"authentication\": \"wpa2-psk\"}"), "priority cannot be absent" },
        { PSK("{\"ssid\": \"a\", \"authentication\": \"wpa2-psk\", \"priority\": 0}"),
          "priority cannot be 0" },
        { PSK("{\"ssid\": \"a\", \"authentication\": \"wpa2-psk\", \"priority\": 256}"),
          "priority cannot be 256" },
        { PSK("{\"ssid\": \"a\", \"authentication\": \"wpa2-psk\", \"priority\": 1.5}"),
          "priority cannot be 1.5" },
        { PSK(GOOD(", \"encryption\": \"wep\"")), "encryption cannot be wep" },
        { PSK(GOOD(", \"encryption\": \"gcmp-256\"")), "gcmp-256 does not go with wpa2-psk" },
        { PSK("{\"ssid\": \"a\", \"priority\": 1, \"authentication\": \"wpa3-sae\", \"encryption\": "
              "\"tkip\"}"),
          "tkip does not go with wpa3-sae" },
        { PSK(GOOD(", \"eap\": \"tls\"")), "has a passphrase, no EAP settings" },
        { "'default', 'office', '" GOOD("") "', " ROOT ", " SEALED(20), "has a passphrase, no EAP settings" },
        { "'default', 'office', '" GOOD("") "'", "the passphrase is missing" },
        { "'default', 'office', '" GOOD("") "', NULL, " SEALED(7), "the passphrase has 7 characters" },
        { "'default', 'office', '" GOOD("") "', NULL, " SEALED(64), "the passphrase has 64 characters" },
        { "'default', 'office', '" GOOD("") "', NULL, ROW('k', NULL, '\\x00', NULL)::amt.sealed",
          "not encrypted as amtctl does it" },
        { "'default', 'corp', '" EAP("") "', " ROOT, "eap cannot be absent" },
        { "'default', 'corp', '" EAP(", \"eap\": \"md5\"") "', " ROOT, "eap cannot be md5" },
        { "'default', 'corp', '" EAP(", \"eap\": \"tls\"") "'",
          "trusted root of the RADIUS server is missing" },
        { "'default', 'corp', '" EAP(", \"eap\": \"tls\"") "', decode('30' || repeat('00', 4100), 'hex')",
          "no certificate of at most 4100 bytes" },
        { "'default', 'corp', '" EAP(", \"eap\": \"tls\"") "', " ROOT ", " SEALED(8),
          "EAP-TLS has a certificate" },
        { "'default', 'corp', '" EAP(", \"eap\": \"peap-mschapv2\"") "', " ROOT ", " SEALED(8),
          "needs a user" },
        { "'default', 'corp', '" EAP(", \"eap\": \"peap-mschapv2\", \"username\": \"u\"") "', " ROOT,
          "the password is missing" },
        { "'default', 'corp', '" EAP(", \"eap\": \"ttls-mschapv2\", \"username\": \"u\"") "', " ROOT
                                                                                          ", " SEALED(33),
          "the password has 33 characters" },
        { "'default', 'corp', '" EAP(", \"eap\": \"tls\", \"server_name\": \"a b\"") "', " ROOT,
          "is no DNS name" },
        { "'default', 'corp', '" EAP(", \"eap\": \"tls\", \"server_name_match\": \"suffix\"") "', " ROOT,
          "a server name match without a server name" },
        { "'default', 'corp', '" EAP(
              ", \"eap\": \"tls\", \"server_name\": \"a\", \"server_name_match\": \"x\"") "', " ROOT,
          "server name match cannot be x" },
    };

    (void)state;
    clear();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(text_free)
        char *text = text_format("SELECT amt.profile_wireless_set(%s)::text", cases[i].arguments);
        struct error err = { 0 };

        if (run(text, NULL, &err))
            fail_msg("taken: %s", cases[i].arguments);
        if (!strstr(err.message, cases[i].reason))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].arguments, err.message, cases[i].reason);
    }
}

static void wired_and_general_settings_out_of_range_are_refused(void **state)
{
    static const struct {
        const char *call, *reason;
    } cases[] = {
        { "profile_wired_8021x_set('default', '{\"enabled\": true}', " ROOT ")", "eap cannot be absent" },
        { "profile_wired_8021x_set('default', '{\"enabled\": \"maybe\"}')", "enabled cannot be maybe" },
        { "profile_wired_8021x_set('default', '{\"enabled\": false, \"eap\": \"tls\"}')", "it is to be off" },
        { "profile_wired_8021x_set('default', '{\"eap\": \"tls\", \"pxe_timeout_s\": 86401}', " ROOT ")",
          "pxe timeout s cannot be 86401" },
        { "profile_network_set('default', '{\"wireless\": \"sometimes\"}')", "wireless cannot be sometimes" },
        { "profile_network_set('default', '{\"wireless_synchronization\": \"vendor\"}')",
          "wireless synchronization cannot be vendor" },
        { "profile_network_set('default', '{\"kvm_session_timeout_min\": 0}')",
          "kvm session timeout min cannot be 0" },
        { "profile_wireless_remove('default', 'office')", "has no wireless profile office" },
    };

    (void)state;
    clear();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(text_free) char *text = text_format("SELECT amt.%s::text", cases[i].call);
        struct error err = { 0 };

        if (run(text, NULL, &err))
            fail_msg("taken: %s", cases[i].call);
        if (!strstr(err.message, cases[i].reason))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].call, err.message, cases[i].reason);
    }
}

static void set_office(const char *name, unsigned priority)
{
    AUTO(text_free)
    char *text =
        text_format("SELECT amt.profile_wireless_set('default', '%s', '{\"ssid\": \"%s\", \"priority\": %u, "
                    "\"authentication\": \"wpa2-psk\"}', NULL, " SEALED(20) ")::text",
                    name, name, priority);

    sql(text);
}

static void two_profiles_may_exchange_their_priorities_but_not_share_one(void **state)
{
    struct error err = { 0 };

    (void)state;
    clear();
    set_office("one", 1);
    set_office("two", 2);
    assert_true(database_begin(db, &err));
    set_office("one", 2);
    set_office("two", 1);
    assert_true(database_commit(db, &err));
    assert_true(database_begin(db, &err));
    set_office("one", 1);
    assert_false(database_commit(db, &err));
    assert_non_null(strstr(err.message, "one, two of profile default have the same priority 1"));
    database_rollback(db);
}

static void no_more_profiles_are_taken_than_firmware_holds(void **state)
{
    struct error err = { 0 };

    (void)state;
    clear();
    for (unsigned i = 1; i <= 15; i++) {
        AUTO(text_free) char *name = text_format("n%u", i);

        set_office(name, i);
    }
    assert_false(
        run("SELECT amt.profile_wireless_set('default', 'late', '" GOOD("") "', NULL, " SEALED(20) ")::text",
            NULL, &err));
    assert_non_null(strstr(err.message, "is full"));
    err = (struct error){ 0 };
    assert_false(
        run("SELECT amt.profile_network_set('default', '{\"wireless\": \"leave\"}')::text", NULL, &err));
    assert_non_null(strstr(err.message, "cannot be left as it is"));
}

/* ---- what an offer gets ----------------------------------------------------------------------------- */

static void seal_and_set(const char *call, const char *place, const char *password)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(secret_free) struct secret *secret = secret_from_text(password);
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    struct error err = { 0 };

    assert_true(vault_seal(vault, place, secret, &sealed, &err));
    parameters_text(parameters, sealed.key_id);
    parameters_bytes(parameters, sealed.nonce, sizeof(sealed.nonce));
    parameters_bytes(parameters, sealed.ciphertext.data, sealed.ciphertext.length);
    if (!database_run_once(db, &(struct sql_text){ "test", call }, parameters, NULL, &err))
        fail_msg("%s: %s", call, err.message);
}

#define GIVEN "ROW($1::text, $2::bytea, $3::bytea, NULL)::amt.sealed"

static void an_offer_gets_the_networks_with_their_passwords(void **state)
{
    AUTO(network_profiles_clear) struct network_profiles profiles = { NULL };
    AUTO(parameters_free) struct parameters *names = parameters_new();
    AUTO(parameters_free) struct parameters *computers = parameters_new();
    const struct uuid uuid = { { 1 } };
    const struct network_owner owner = { &uuid, "pc1.example.com" };
    AUTO(profile_clear) struct profile profile = { .name = text_copy("default") };
    AUTO(profile_clear) struct profile other = { .name = text_copy("other") };
    char place[VAULT_PLACE_SIZE];
    struct error err = { 0 };

    (void)state;
    clear();
    seal_and_set("SELECT amt.profile_wireless_set('default', 'office', '" GOOD("") "', NULL, " GIVEN
                                                                                   ")::text",
                 vault_place_profile_wireless("default", "office", place), "correct horse");
    sql("SELECT amt.profile_wireless_set('default', 'corp', '{\"ssid\": \"corp\", \"priority\": 2, "
        "\"authentication\": "
        "\"wpa2-802.1x\", \"eap\": \"tls\", \"server_name\": \"example.com\", \"server_name_match\": "
        "\"suffix\"}', " ROOT ")::text");
    seal_and_set("SELECT amt.profile_wired_8021x_set('default', '{\"eap\": \"peap-mschapv2\", \"username\": "
                 "\"machines\"}', " ROOT ", " GIVEN ")::text",
                 vault_place_profile_wired("default", place), "Radius-Word1");
    sql("SELECT amt.profile_network_set('default', '{\"wireless\": \"managed\", "
        "\"wireless_synchronization\": \"user\", "
        "\"kvm_session_timeout_min\": 7}')::text");
    array_add_text(parameters_texts(names), "default");
    array_add_uuid(parameters_uuids(computers), &uuid);
    assert_true(network_profiles_load(db, names, computers, &profiles, &err));
    if (!network_profiles_put(&profiles, vault, &owner, &profile, &err))
        fail_msg("%s", err.message);
    assert_int_equal(profile.wireless->count, 2);
    assert_int_equal(profile.wireless->synchronization, SYNCHRONIZE_USER);
    assert_string_equal(profile.wireless->profiles[0].name, "office");
    assert_int_equal(profile.wireless->profiles[0].authentication, WIRELESS_WPA2_PSK);
    assert_string_equal(secret_reveal(profile.wireless->profiles[0].passphrase), "correct horse");
    assert_string_equal(profile.wireless->profiles[1].eap->username, "pc1.example.com");
    assert_int_equal(profile.wireless->profiles[1].eap->server_name_match, SERVER_NAME_SUFFIX);
    assert_null(profile.wireless->profiles[1].eap->password);
    assert_int_equal(profile.wireless->profiles[1].eap->trusted_root.length, 100);
    assert_string_equal(secret_reveal(profile.wired_8021x->eap->password), "Radius-Word1");
    assert_int_equal(profile.wired_8021x->pxe_timeout_s, 120);
    assert_int_equal(profile.kvm_session_timeout_min, 7);
    /* Nothing is known of this computer. */
    assert_true(profile.wireless->profiles[0].password_version > 0);
    assert_true(profile.wireless->profiles[0].password_changed);
    assert_false(profile.wireless->profiles[1].password_changed); /* EAP-TLS has none */
    assert_true(profile.wired_8021x->password_changed);
    assert_true(network_profiles_put(&profiles, vault, &owner, &other, &err));
    assert_null(other.wireless);
    assert_null(other.wired_8021x);
}

/* Spec 6.2: one value cannot stand for another, and each is found when the key is changed. */
static void the_passwords_take_part_in_a_change_of_the_key(void **state)
{
    AUTO(rows_free) struct rows *rows = NULL;
    struct error err = { 0 };

    (void)state;
    clear();
    set_office("office", 1);
    assert_true(run("SELECT string_agg(place || ' ' || id || ' ' || associated_data, ',') AS found,"
                    " bool_and(amt.sealed_replace(place, id, nonce, ROW('new', nonce, ciphertext, "
                    "NULL)::amt.sealed)) AS replaced"
                    " FROM amt.sealed_next('new', 10) WHERE place LIKE 'profile_w%'",
                    &rows, &err));
    assert_string_equal(row_text(rows, 0, "found"),
                        "profile_wireless default|office wireless|default|office");
    assert_true(row_bool(rows, 0, "replaced"));
    rows_free(&rows);
    assert_true(
        run("SELECT count(*) AS left FROM amt_store.sealed_value WHERE key_id <> 'new'", &rows, &err));
    assert_int_equal(row_number(rows, 0, "left"), 0);
}

/* ---- the text form ---------------------------------------------------------------------------------- */

static void sections_are_read_behind_the_settings(void **state)
{
    AUTO(profile_file_clear) struct profile_file profile = { 0 };
    const struct network_section *section;
    struct error err = { 0 };

    (void)state;
    if (!profile_file_read(
            "kvm = off\n\n[Wireless]\nsynchronization = user\n# comment\n[wireless big office]\n"
            "SSID = big # office\npriority=7\nauthentication = wpa3-sae\n[wired 802.1X]\nenabled = off\n"
            "[kvm]\nsession timeout = 5\n",
            &profile, &err))
        fail_msg("%s", err.message);
    assert_int_equal(profile.settings[SETTING_KVM], 1);
    assert_int_equal(profile.network.count, 4);
    section = profile_network_find(&profile.network, NETWORK_WIRELESS_PROFILE, "big office");
    assert_non_null(section);
    assert_string_equal(section->values[0], "big # office");
    assert_non_null(profile_network_of_title(&profile.network, "wireless big office", 19));
    assert_null(profile_network_of_title(&profile.network, "wired 802.1x", 12)); /* off needs none */
}

static void a_wrong_line_of_a_section_is_refused_with_number_and_reason(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        { "[lan]", "line 1: unknown section [lan]" },
        { "[wireless", "line 1: '[wireless' has no ']'" },
        { "[wireless a]\n[wireless a]", "line 2: wireless profile 'a' is there twice" },
        { "[kvm]\n\n[kvm]", "line 3: section [kvm] is there twice" },
        { "[wireless ?]", "cannot be called '?'" },
        { "[wireless a]\nping = on", "a section [wireless NAME] has no setting 'ping'" },
        { "[wireless a]\nssid = ", "ssid: 0 bytes; it has 1 to 32" },
        { "[wireless a]\nssid = 123456789012345678901234567890123", "ssid: 33 bytes" },
        { "[wireless a]\nssid = a\nssid = b", "line 3: 'ssid' is there twice" },
        { "[wireless a]\npriority = 0", "priority: '0' is no number from 1 to 255" },
        { "[wireless a]\nauthentication = wep", "'wep' is not one of wpa2-psk, wpa2-802.1x, wpa3-sae" },
        { "[wired 802.1x]\neap = md5", "'md5' is not one of tls, ttls-mschapv2, peap-mschapv2" },
        { "[wired 802.1x]\nenabled = maybe", "'maybe' is not one of on, off" },
        { "[kvm]\n-----BEGIN CERTIFICATE-----", "a certificate does not belong here" },
        { "[wired 802.1x]\n-----BEGIN CERTIFICATE-----\nAAAA", "the last certificate has no line" },
        { "[wired 802.1x]\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
          "line 4: the trusted root cannot be read" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct profile_file profile;
        struct error err = { 0 };

        if (profile_file_read(cases[i].text, &profile, &err))
            fail_msg("taken: %s", cases[i].text);
        if (!strstr(err.message, cases[i].reason))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, err.message, cases[i].reason);
    }
}

static void passwords_of_networks_follow_their_own_rules(void **state)
{
    static const struct {
        const char *line, *reason; /* NULL: taken */
    } cases[] = {
        { "wireless office:lower case is fine", NULL },
        { "wireless office:1234567", "the passphrase has 7 characters" },
        { "wireless corp:x", NULL },
        { "wireless corp:123456789012345678901234567890123", "the password has 33 characters" },
        { "wireless corp:caf\xc3\xa9", "not printable ASCII" },
        { "wireless tls:secret", "no user or network with a password" },
        { "wireless nowhere:12345678", "no user or network with a password" },
    };
    AUTO(profile_file_clear) struct profile_file profile = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_true(profile_file_read("[wireless office]\nauthentication = wpa2-psk\n[wireless corp]\n"
                                  "eap = peap-mschapv2\n[wireless tls]\neap = tls\n",
                                  &profile, &err));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(profile_passwords_clear) struct profile_passwords passwords = { 0 };
        AUTO(secret_free) struct secret *text = secret_from_text(cases[i].line);
        struct error refused = { 0 };
        bool taken = profile_passwords_read(text, &profile, &passwords, &refused);

        if (taken != (cases[i].reason == NULL) || (!taken && !strstr(refused.message, cases[i].reason)))
            fail_msg("%s: %s", cases[i].line, taken ? "taken" : refused.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wireless_profile_that_no_firmware_takes_is_refused_with_the_reason),
        cmocka_unit_test(wired_and_general_settings_out_of_range_are_refused),
        cmocka_unit_test(two_profiles_may_exchange_their_priorities_but_not_share_one),
        cmocka_unit_test(no_more_profiles_are_taken_than_firmware_holds),
        cmocka_unit_test(an_offer_gets_the_networks_with_their_passwords),
        cmocka_unit_test(the_passwords_take_part_in_a_change_of_the_key),
        cmocka_unit_test(sections_are_read_behind_the_settings),
        cmocka_unit_test(a_wrong_line_of_a_section_is_refused_with_number_and_reason),
        cmocka_unit_test(passwords_of_networks_follow_their_own_rules),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
