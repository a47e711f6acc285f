/*
 * wireless_test.c - spec O8.4: wireless and wired 802.1X, through the programs, to the firmware's own state.
 *
 * The provisioning root and the site's issuer stand for the authorities of RADIUS servers: any will do.
 */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "support/expect.h"

#define PASSPHRASE "correct horse battery"

static void json_release(json_object **object)
{
    if (*object)
        json_object_put(*object);
}

/* ---- profiles --------------------------------------------------------------------------------------- */

static char *pem_of(const char *path)
{
    char *content = NULL;
    struct error err = { 0 };

    must(file_read(path, &content, NULL, &err));
    return content;
}

/* networks: sections; passwords: lines of the password file, "" for none. */
static void set_profile(struct site *site, const char *name, const char *networks, const char *passwords)
{
    AUTO(text_free) char *path = site_path(site, "network.profile");
    AUTO(text_free) char *password_path = site_path(site, "network.passwords");
    struct error err = { 0 };

    must(file_write(path, networks, 0600, &err));
    must(file_write(password_path, passwords, 0600, &err));
    must(site_amtctl(site, NULL, &err, "profile", "set", name, path, "--password-file", password_path, NULL));
}

static char *psk_section(const char *name, const char *ssid, unsigned priority)
{
    return text_format("[wireless %s]\nssid = %s\npriority = %u\nauthentication = wpa2-psk\n", name, ssid,
                       priority);
}

static char *eap_section(const char *title, const char *eap, const char *root_path)
{
    AUTO(text_free) char *pem = pem_of(root_path);
    bool tls = strcmp(eap, "tls") == 0;

    return text_format("%s\neap = %s\n%sserver name = radius.example.com\n%s", title, eap,
                       tls ? "" : "user = amt-machines\ndomain = EXAMPLE\n", pem);
}

#define CORPORATE "[wireless corporate]\nssid = corp\npriority = 1\nauthentication = wpa2-802.1x"
#define LECTURE                                                                                              \
    "[wireless lecture]\nssid = lecture\npriority = 2\nauthentication = wpa-802.1x\nencryption = tkip"

/* ---- computers -------------------------------------------------------------------------------------- */

static void computer_with_profile(struct site *site, struct computer *computer, unsigned index,
                                  const char *generation, const char *words, const char *profile)
{
    AUTO(text_free) char *all = text_format("hello=manual %s", words);
    struct error err = { 0 };

    scenario_computer(site, computer, index, generation, all);
    must(site_amtctl(site, NULL, &err, "computer", "profile", profile, computer->uuid, NULL));
}

static void run_again(struct site *site, const struct computer *computer)
{
    AUTO(text_free)
    char *jobs = sql_answer(site, "SELECT count(*) + 1 FROM amt.job WHERE uuid = '%s'", computer->uuid);

    sql_do(site, "SELECT amt.request_job('%s')", computer->uuid);
    expect_sql(site, jobs, "SELECT count(*) FROM amt.job WHERE uuid = '%s' AND state = 'done'",
               computer->uuid);
    expect_provisioned(site, computer);
}

static void expect_step(struct site *site, const struct computer *computer, const char *name,
                        const char *outcome_and_reason)
{
    expect_sql(site, outcome_and_reason,
               "SELECT concat_ws(' ', outcome, reason_code) FROM amt.job_step WHERE number = 'O8.4' AND"
               " name = '%s' AND job = (SELECT last_job FROM amt.computer WHERE uuid = '%s')"
               " ORDER BY attempt DESC LIMIT 1",
               name, computer->uuid);
}

static json_object *state_of(struct site *site, const struct computer *computer)
{
    json_object *state = NULL;
    struct error err = { 0 };

    must(simulator_state(site->simulator, computer->uuid, &state, &err));
    return state;
}

static size_t length_at(json_object *state, const char *path)
{
    json_object *array = json_at(state, path);

    assert_non_null(array);
    return json_object_array_length(array);
}

/* The wireless profile of that name; NULL: none. */
static json_object *profile_of(json_object *state, const char *name)
{
    for (size_t i = 0; i < length_at(state, "wifi.profiles"); i++) {
        json_object *profile = json_object_array_get_idx(json_at(state, "wifi.profiles"), i);

        if (strcmp(json_text_at(profile, "name"), name) == 0)
            return profile;
    }
    return NULL;
}

static json_object *certificate_of(json_object *state, int64_t handle)
{
    for (size_t i = 0; i < length_at(state, "certificates"); i++) {
        json_object *certificate = json_object_array_get_idx(json_at(state, "certificates"), i);

        if (json_number_at(certificate, "handle") == handle)
            return certificate;
    }
    return NULL;
}

/* Certificates besides the firmware's own. */
static size_t stored_certificates(json_object *state)
{
    size_t count = 0;

    for (size_t i = 0; i < length_at(state, "certificates"); i++)
        count += !json_true_at(json_object_array_get_idx(json_at(state, "certificates"), i), "read_only");
    return count;
}

/* What the store holds: certificates, and keys. */
static void expect_store(struct site *site, const struct computer *computer, size_t certificates, size_t keys)
{
    AUTO(json_release) json_object *state = state_of(site, computer);

    assert_int_equal(stored_certificates(state), certificates);
    assert_int_equal(length_at(state, "keys"), keys);
}

static X509 *parse(json_object *certificate)
{
    AUTO(bytes_free) struct bytes der = { 0 };
    const unsigned char *at;
    X509 *parsed;

    assert_non_null(certificate);
    assert_true(base64_decode(json_text_at(certificate, "der"), &der));
    at = der.data;
    parsed = d2i_X509(NULL, &at, (long)der.length);
    assert_non_null(parsed);
    return parsed;
}

/* A certificate of this site for clients, of this computer, with its key in the firmware, and not the one of
 * the TLS server. */
static void expect_client_certificate(const struct site *site, const struct computer *computer,
                                      json_object *state, int64_t handle)
{
    json_object *certificate = certificate_of(state, handle);
    FILE *file = fopen(site->issuer_path, "re");
    X509 *issuer = PEM_read_X509(file, NULL, NULL, NULL), *parsed = parse(certificate);

    fclose(file);
    assert_int_not_equal(handle, json_number_at(state, "tls.effective.credential_certificate"));
    assert_true(json_number_at(certificate, "key_handle") >= 0);
    assert_int_equal(X509_verify(parsed, X509_get0_pubkey(issuer)), 1);
    assert_int_equal(X509_check_host(parsed, computer->fqdn, 0, 0, NULL), 1);
    assert_int_equal(X509_get_extended_key_usage(parsed), XKU_SSL_CLIENT);
    X509_free(parsed);
    X509_free(issuer);
}

static void expect_root(json_object *state, int64_t handle, const char *path)
{
    FILE *file = fopen(path, "re");
    X509 *root = PEM_read_X509(file, NULL, NULL, NULL), *parsed = parse(certificate_of(state, handle));

    fclose(file);
    assert_true(json_true_at(certificate_of(state, handle), "trusted_root"));
    assert_int_equal(X509_cmp(root, parsed), 0);
    X509_free(parsed);
    X509_free(root);
}

/* ---- wireless --------------------------------------------------------------------------------------- */

static void a_profile_without_networks_leaves_them_alone(void **state)
{
    struct site *site = *state;
    struct computer computer;

    scenario_computer(site, &computer, 0, "14.0", "hello=manual mobile=yes wifi=yes");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    expect_step(site, &computer, "wireless", "skipped");
    expect_step(site, &computer, "wired 802.1X", "skipped");
    assert_int_equal(state_number(site, &computer, "wifi.EnabledState"), 3);
}

static void a_computer_without_wireless_is_provisioned_without_it(void **state)
{
    static const char *const releases[] = { "9.0", "16.1" }; /* lists no second port; lists one of zeros */
    struct site *site = *state;
    AUTO(text_free) char *section = psk_section("office", "office-net", 1);

    set_profile(site, "psk", section, "wireless office:" PASSPHRASE "\n");
    for (unsigned i = 0; i < COUNT_OF(releases); i++) {
        struct computer computer;

        computer_with_profile(site, &computer, 1 + i, releases[i], "", "psk");
        say_hello(site, &computer);
        expect_provisioned(site, &computer);
        expect_step(site, &computer, "wireless", "skipped unsupported");
    }
}

static void a_passphrase_network_is_written_and_the_port_switched_on(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *office = psk_section("office", "office-net", 2);
    AUTO(text_free)
    char *sections = text_format("[wireless]\nsynchronization = all\n%s[wireless guest]\nssid = guest net\n"
                                 "priority = 1\nauthentication = wpa3-sae\nencryption = gcmp-256\n"
                                 "[kvm]\nsession timeout = 20\nconsent timeout = 60\n",
                                 office);
    struct computer computer;

    set_profile(site, "office", sections,
                "wireless office:" PASSPHRASE "\nwireless guest:anybody may know\n");
    computer_with_profile(site, &computer, 3, "16.1", "mobile=yes wifi=yes", "office");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    expect_step(site, &computer, "wireless", "done");
    AUTO(json_release) json_object *firmware = state_of(site, &computer);
    json_object *profile = profile_of(firmware, "office");

    assert_int_equal(length_at(firmware, "wifi.profiles"), 2);
    assert_non_null(profile);
    assert_string_equal(json_text_at(profile, "ssid"), "office-net");
    assert_string_equal(json_text_at(profile, "passphrase"), PASSPHRASE);
    assert_int_equal(json_number_at(profile, "priority"), 2);
    assert_int_equal(json_number_at(profile, "authentication"), 6);
    assert_int_equal(json_number_at(profile, "encryption"), 4);
    profile = profile_of(firmware, "guest");
    assert_int_equal(json_number_at(profile, "authentication"), 32768);
    assert_int_equal(json_number_at(profile, "encryption"), 32768);
    assert_int_equal(json_number_at(firmware, "wifi.EnabledState"), 32769);
    assert_int_equal(json_number_at(firmware, "wifi.localProfileSynchronizationEnabled"), 3);
    assert_int_equal(json_number_at(firmware, "kvm.SessionTimeout"), 20);
    assert_int_equal(json_number_at(firmware, "kvm.OptInPolicyTimeout"), 60);
    assert_false(json_true_at(firmware, "kvm.OptInPolicy"));
    expect_store(site, &computer, 1, 1);
    run_again(site, &computer);
    expect_step(site, &computer, "wireless", "unchanged");
    expect_step(site, &computer, "former network settings", "unchanged");
}

/* Old firmware knows neither WPA3 nor synchronisation of all profiles: what it can do is done. */
static void what_the_firmware_does_not_know_is_left_out_and_named(void **state)
{
    struct site *site = *state;
    struct computer computer;

    computer_with_profile(site, &computer, 4, "12.0", "mobile=yes wifi=yes", "office");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    expect_sql(
        site, "done t",
        "SELECT outcome || ' ' || (detail LIKE '%%left out, unknown to this firmware: guest')::text::char(1)"
        " FROM amt.job_step WHERE name = 'wireless' AND"
        " job = (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
        computer.uuid);
    assert_int_equal(state_number(site, &computer, "wifi.localProfileSynchronizationEnabled"), 1);
}

/* EAP-TLS with a client certificate, and PEAP with a password; then other profiles: nothing is left over. */
static void a_changed_profile_replaces_the_former_one_without_leftovers(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *corporate = eap_section(CORPORATE, "tls", site->provisioning.root_path);
    AUTO(text_free) char *lecture = eap_section(LECTURE, "peap-mschapv2", site->issuer_path);
    AUTO(text_free) char *both = text_format("%s%s", corporate, lecture);
    AUTO(text_free) char *moved = eap_section(CORPORATE, "tls", site->issuer_path);
    AUTO(text_free) char *office = psk_section("office", "office-net", 1);
    struct computer computer;

    set_profile(site, "campus", both, "wireless lecture:Radius-Word1\n");
    computer_with_profile(site, &computer, 5, "15.0", "mobile=yes wifi=yes", "campus");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    {
        AUTO(json_release) json_object *firmware = state_of(site, &computer);
        json_object *eap = json_at(profile_of(firmware, "corporate"), "eap");

        assert_int_equal(json_number_at(eap, "AuthenticationProtocol"), 0);
        assert_string_equal(json_text_at(eap, "Username"), computer.fqdn);
        assert_string_equal(json_text_at(eap, "ServerCertificateName"), "radius.example.com");
        assert_int_equal(json_number_at(eap, "ServerCertificateNameComparison"), 2);
        expect_client_certificate(site, &computer, firmware, json_number_at(eap, "client_certificate"));
        expect_root(firmware, json_number_at(eap, "ca_certificate"), site->provisioning.root_path);
        eap = json_at(profile_of(firmware, "lecture"), "eap");
        assert_int_equal(json_number_at(eap, "AuthenticationProtocol"), 2);
        assert_string_equal(json_text_at(eap, "Username"), "amt-machines");
        assert_string_equal(json_text_at(eap, "Password"), "Radius-Word1");
        assert_int_equal(json_number_at(eap, "client_certificate"), -1);
        expect_root(firmware, json_number_at(eap, "ca_certificate"), site->issuer_path);
    }
    expect_store(site, &computer, 4, 2);
    expect_sql(
        site, "active 1",
        "SELECT string_agg(state || ' ' || n, ',') FROM (SELECT state, count(*) AS n FROM amt.certificate"
        " WHERE uuid = '%s' AND usage = 'client' GROUP BY state) AS c",
        computer.uuid);
    run_again(site, &computer);
    expect_step(site, &computer, "wireless", "unchanged");
    expect_step(site, &computer, "802.1X credentials", "unchanged");
    expect_store(site, &computer, 4, 2);

    set_profile(site, "campus", moved, ""); /* another root; the other network goes */
    run_again(site, &computer);
    expect_step(site, &computer, "wireless", "done");
    expect_store(site, &computer, 3, 2);
    {
        AUTO(json_release) json_object *firmware = state_of(site, &computer);

        assert_int_equal(length_at(firmware, "wifi.profiles"), 1);
        expect_root(firmware, json_number_at(profile_of(firmware, "corporate"), "eap.ca_certificate"),
                    site->issuer_path);
    }

    set_profile(site, "campus", office, "wireless office:" PASSPHRASE "\n");
    run_again(site, &computer);
    expect_store(site, &computer, 1, 1);
    expect_sql(site, "superseded",
               "SELECT string_agg(state, ',') FROM amt.certificate WHERE uuid = '%s' AND usage = 'client'",
               computer.uuid);

    set_profile(site, "campus", "[wireless]\n", "");
    run_again(site, &computer);
    AUTO(json_release) json_object *firmware = state_of(site, &computer);

    assert_int_equal(length_at(firmware, "wifi.profiles"), 0);
}

/* AMT SDK: the profile in use cannot be deleted; it is written over in its place. */
static void the_profile_in_use_is_written_over(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *before = psk_section("office", "office-net", 1);
    AUTO(text_free) char *after = psk_section("office", "office-new", 3);
    struct computer computer;
    struct error err = { 0 };

    set_profile(site, "moving", before, "wireless office:" PASSPHRASE "\n");
    computer_with_profile(site, &computer, 6, "14.0", "mobile=yes wifi=yes", "moving");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    must(simulator_control(site->simulator, NULL, &err, "set %s wifi-connected=office", computer.uuid));
    set_profile(site, "moving", after, "");
    run_again(site, &computer);
    AUTO(json_release) json_object *firmware = state_of(site, &computer);

    assert_int_equal(length_at(firmware, "wifi.profiles"), 1);
    assert_string_equal(json_text_at(profile_of(firmware, "office"), "ssid"), "office-new");
    assert_string_equal(json_text_at(profile_of(firmware, "office"), "passphrase"), PASSPHRASE);
}

/* Spec O8.4, 6.1: an attempt that dies between certificate and profile leaves what the next one uses. */
static void an_attempt_that_dies_half_way_is_taken_up_again(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *corporate = eap_section(CORPORATE, "tls", site->provisioning.root_path);
    struct computer computer;
    struct error err = { 0 };

    set_profile(site, "dying", corporate, "");
    computer_with_profile(site, &computer, 7, "16.1", "mobile=yes wifi=yes", "dying");
    must(simulator_control(
        site->simulator, NULL, &err,
        "misbehave %s drop-before at=AMT_WiFiPortConfigurationService.AddWiFiSettings times=2",
        computer.uuid));
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "3", "SELECT attempt FROM amt.job WHERE uuid = '%s'", computer.uuid);
    expect_store(site, &computer, 3, 2);
    AUTO(json_release) json_object *firmware = state_of(site, &computer);

    assert_int_equal(length_at(firmware, "wifi.profiles"), 1);
}

/* ---- wired 802.1X ----------------------------------------------------------------------------------- */

static void expect_wired(struct site *site, const char *profile, unsigned index, const char *generation,
                         const char *class, unsigned full_name)
{
    AUTO(text_free)
    char *tls = eap_section("[wired 802.1x]\npxe timeout = 90\nactive in s0 = off", "tls",
                            site->provisioning.root_path);
    AUTO(text_free)
    char *peap = eap_section("[wired 802.1x]", "peap-mschapv2", site->issuer_path);
    struct computer computer;

    set_profile(site, profile, tls, "");
    computer_with_profile(site, &computer, index, generation, "", profile);
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    expect_sql(site, "t",
               "SELECT detail LIKE '%%%s%%' FROM amt.job_step WHERE name = 'wired 802.1X' AND"
               " job = (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
               class, computer.uuid);
    {
        AUTO(json_release) json_object *firmware = state_of(site, &computer);
        json_object *wired = json_at(firmware, "wired_8021x");

        assert_int_equal(json_number_at(wired, "Enabled"), 2);
        assert_int_equal(json_number_at(wired, "AuthenticationProtocol"), 0);
        assert_int_equal(json_number_at(wired, "PxeTimeout"), 90);
        assert_false(json_true_at(wired, "AvailableInS0"));
        assert_int_equal(json_number_at(wired, "ServerCertificateNameComparison"), full_name);
        expect_client_certificate(site, &computer, firmware, json_number_at(wired, "client_certificate"));
        expect_root(firmware, json_number_at(wired, "ca_certificate"), site->provisioning.root_path);
    }
    expect_store(site, &computer, 3, 2);
    run_again(site, &computer);
    expect_step(site, &computer, "wired 802.1X", "unchanged");

    set_profile(site, profile, peap, "wired 802.1x:Radius-Word1\n");
    run_again(site, &computer);
    expect_store(site, &computer, 2, 1);
    {
        AUTO(json_release) json_object *firmware = state_of(site, &computer);
        json_object *wired = json_at(firmware, "wired_8021x");

        assert_int_equal(json_number_at(wired, "AuthenticationProtocol"), 2);
        assert_string_equal(json_text_at(wired, "Password"), "Radius-Word1");
        assert_int_equal(json_number_at(wired, "PxeTimeout"), 120);
        assert_int_equal(json_number_at(wired, "client_certificate"), -1);
        expect_root(firmware, json_number_at(wired, "ca_certificate"), site->issuer_path);
    }

    set_profile(site, profile, "[wired 802.1x]\nenabled = off\n", "");
    run_again(site, &computer);
    assert_int_equal(state_number(site, &computer, "wired_8021x.Enabled"), 3);
    expect_store(site, &computer, 1, 1);
}

static void wired_8021x_is_written_through_the_newer_class(void **state)
{
    expect_wired(*state, "wired-new", 8, "16.1", "IPS_IEEE8021xSettings", 2);
}

static void wired_8021x_is_written_through_the_older_class(void **state)
{
    expect_wired(*state, "wired-old", 9, "9.0", "AMT_8021XProfile", 0);
}

/* One client certificate serves both; it goes when neither needs it. */
static void wired_and_wireless_share_their_credentials(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *corporate = eap_section(CORPORATE, "tls", site->provisioning.root_path);
    AUTO(text_free) char *wired = eap_section("[wired 802.1x]", "tls", site->provisioning.root_path);
    AUTO(text_free) char *both = text_format("%s%s", corporate, wired);
    AUTO(text_free) char *wired_alone = text_format("[wireless]\n%s", wired);
    struct computer computer;

    set_profile(site, "shared", both, "");
    computer_with_profile(site, &computer, 10, "14.0", "mobile=yes wifi=yes", "shared");
    say_hello(site, &computer);
    expect_provisioned(site, &computer);
    expect_store(site, &computer, 3, 2);
    set_profile(site, "shared", wired_alone, "");
    run_again(site, &computer);
    expect_store(site, &computer, 3, 2);
    expect_step(site, &computer, "wired 802.1X", "unchanged");
    set_profile(site, "shared", "[wireless]\n[wired 802.1x]\nenabled = off\n", "");
    run_again(site, &computer);
    expect_store(site, &computer, 1, 1);
}

/* ---- amtctl ----------------------------------------------------------------------------------------- */

static void a_profile_with_networks_is_shown_as_it_can_be_set(void **state)
{
    struct site *site = *state;
    AUTO(text_free) char *corporate = eap_section(CORPORATE, "tls", site->provisioning.root_path);
    AUTO(text_free) char *office = psk_section("office", "office-net", 7);
    AUTO(text_free) char *wired = eap_section("[wired 802.1x]", "ttls-mschapv2", site->issuer_path);
    AUTO(text_free)
    char *all = text_format("kvm = off\n[wireless]\nsynchronization = user\n%s%s%s[kvm]\n"
                            "session timeout = 5\n",
                            corporate, office, wired);
    AUTO(text_free) char *path = site_path(site, "shown.profile");
    AUTO(text_free) char *first = NULL;
    AUTO(text_free) char *second = NULL;
    struct error err = { 0 };

    set_profile(site, "shown", all, "wireless office:" PASSPHRASE "\nwired 802.1x:Radius-Word1\n");
    must(site_amtctl(site, &first, &err, "profile", "show", "shown", NULL));
    assert_non_null(strstr(first, "[wireless corporate]"));
    assert_non_null(strstr(first, "-----BEGIN CERTIFICATE-----"));
    assert_null(strstr(first, PASSPHRASE));
    must(file_write(path, first, 0600, &err));
    must(site_amtctl(site, NULL, &err, "profile", "set", "shown", path, NULL));
    must(site_amtctl(site, &second, &err, "profile", "show", "shown", NULL));
    assert_string_equal(first, second);
}

static int begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "queue.heartbeat = 2s", NULL };
    static const char *const simulator_options[] = { "--key-pool", "16", NULL };
    struct site_options options = { .server_settings = server_settings,
                                    .simulator_options = simulator_options };

    return scenario_begin(state, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_without_networks_leaves_them_alone),
        cmocka_unit_test(a_computer_without_wireless_is_provisioned_without_it),
        cmocka_unit_test(a_passphrase_network_is_written_and_the_port_switched_on),
        cmocka_unit_test(what_the_firmware_does_not_know_is_left_out_and_named),
        cmocka_unit_test(a_changed_profile_replaces_the_former_one_without_leftovers),
        cmocka_unit_test(the_profile_in_use_is_written_over),
        cmocka_unit_test(an_attempt_that_dies_half_way_is_taken_up_again),
        cmocka_unit_test(wired_8021x_is_written_through_the_newer_class),
        cmocka_unit_test(wired_8021x_is_written_through_the_older_class),
        cmocka_unit_test(wired_and_wireless_share_their_credentials),
        cmocka_unit_test(a_profile_with_networks_is_shown_as_it_can_be_set),
    };

    return cmocka_run_group_tests(tests, begin, scenario_end);
}
