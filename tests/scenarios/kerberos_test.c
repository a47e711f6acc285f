/*
 * kerberos_test.c - spec 7, O8.1, O8.3: users of a real domain log in to computers with a ticket.
 *
 * A Samba domain controller issues the tickets; the keys in the firmware are the ones that the site server
 * derives from the account's password.
 */
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/encoding.h"
#include "directory/kerberos_key.h"
#include "support/expect.h"
#include "support/machine.h"
#include "support/negotiate.h"

enum { COMMAND_TIMEOUT_MS = 60000, ACCOUNT_WITHOUT_GROUPS = 0x2011000 };

#define REALM_GENERAL    13  /* AMT SDK, realms: GeneralInfo */
#define REALM_ACL        21  /* the same: access control list */
#define MEMBERSHIPS_MANY 230 /* 8 octets each in the ticket: too many for 4 kB of base64 */

static struct {
    struct workplace place;
    struct domain *domain;
    struct simulator *simulator;
    struct machines machines;
    char *group_sid;       /* of DOMAIN_OPERATORS, binary, base64 */
    char *alice, *mallory; /* credential caches */
    char *openssl_config;
} test;

/* ---- the domain and its users ------------------------------------------------------------------------ */

static char *sid_of(const char *account)
{
    AUTO(text_free) char *filter = text_format("(sAMAccountName=%s)", account);
    AUTO(text_free) char *found = NULL;
    struct error err = { 0 };
    const char *at;

    must(domain_search(test.domain, &found, filter, "objectSid", &err));
    at = strstr(found, "objectSid:: ");
    assert_non_null(at);
    at += strlen("objectSid:: ");
    return text_format("%.*s", (int)strcspn(at, "\n"), at);
}

/* Tickets of a user, none but the first one yet; the caller frees the path. */
static char *log_in(const char *user)
{
    AUTO(text_free) char *name = text_format("cache-%s", user);
    char *path = workplace_path(&test.place, name);
    struct error err = { 0 };

    must(domain_login(test.domain, user, path, &err));
    return path;
}

/* ---- requests ---------------------------------------------------------------------------------------- */

static int status_by_curl(const struct machine *machine, const char *cache, const char *class)
{
    const struct web_target target = machine_target(machine);
    struct error err = { 0 };
    int status;

    must(web_read_by_ticket(&target, cache, class, &status, &err));
    return status;
}

/* ---- computers --------------------------------------------------------------------------------------- */

/* What the site server hands out for the account. */
static struct kerberos_account *account_of(const struct machine *machine, uint32_t key_version)
{
    AUTO(secret_free) struct secret *password = secret_from_text(machine->password);
    AUTO(text_free) char *name = text_format("%s$", machine->account);
    const struct kerberos_principal principal = { .domain = DOMAIN_DNS,
                                                  .account_name = name,
                                                  .fqdn = machine->fqdn,
                                                  .password = password,
                                                  .key_version = key_version,
                                                  .amt_major = machine->amt_major };
    struct kerberos_account *account = NULL;
    struct error err = { 0 };

    must(kerberos_account_make(&principal, &account, &err));
    return account;
}

static void put_account(const struct machine *machine, uint32_t key_version)
{
    AUTO(kerberos_account_free) struct kerberos_account *account = account_of(machine, key_version);

    machine_put_account(machine, account);
}

/* A computer with Kerberos, and the group allowed to read general settings. */
static void plug_in_with_kerberos(struct machine *machine, const char *generation)
{
    machine_plug_in(&test.machines, machine, generation);
    machine_join(machine, kerberos_encryptions_of(machine->amt_major));
    put_account(machine, 1);
    machine_allow(machine, test.group_sid, REALM_GENERAL);
}

static void expect_state(const struct machine *machine, const char *path, const char *wanted)
{
    AUTO(json_close) json_object *state = NULL;
    struct error err = { 0 };

    must(simulator_state(test.simulator, machine->uuid, &state, &err));
    if (!strstr(json_text_at(state, path), wanted))
        fail_msg("AMT %s: %s is \"%s\", not \"%s\"", machine->generation, path, json_text_at(state, path),
                 wanted);
}

static int64_t number_of(const struct machine *machine, const char *path)
{
    AUTO(json_close) json_object *state = NULL;
    struct error err = { 0 };

    must(simulator_state(test.simulator, machine->uuid, &state, &err));
    return json_number_at(state, path);
}

static void set_clock(const struct machine *machine, int offset_s)
{
    struct error err = { 0 };

    must(simulator_control(test.simulator, NULL, &err, "set %s clock-offset=%d", machine->uuid, offset_s));
}

/* ---- login with a name of our own choice -------------------------------------------------------------- */

/* What stands behind "Authorization: Negotiate " for HTTP/fqdn:port. */
static char *token_for(const struct machine *machine, const char *cache, unsigned port,
                       struct negotiation **negotiation)
{
    AUTO(text_free) char *service = text_format("HTTP/%s:%u@" DOMAIN_REALM, machine->fqdn, port);
    struct error err = { 0 };
    char *token = NULL;

    must(negotiation_begin(negotiation, cache, service, &token, &err));
    return token;
}

static int status_of_token(const struct machine *machine, const char *token)
{
    const struct web_target target = machine_target(machine);
    AUTO(text_free) char *header = text_format("Authorization: Negotiate %s", token);
    AUTO(text_free) char *body = wsman_request(WSMAN_TRANSFER "Get", "AMT_GeneralSettings", "", "");
    AUTO(web_answer_clear) struct web_answer answer = { 0 };
    struct error err = { 0 };

    must(web_post(&target, NULL, (const char *[]){ "--header", header, NULL }, body, &answer, &err));
    return answer.status;
}

static int status_by_port(const struct machine *machine, const char *cache, unsigned port)
{
    AUTO(negotiation_free) struct negotiation *negotiation = NULL;
    AUTO(text_free) char *token = token_for(machine, cache, port, &negotiation);

    return status_of_token(machine, token);
}

static void expect_in_keytab(const struct machine *machine, const char *listing,
                             enum kerberos_encryption encryption)
{
    AUTO(secret_free) struct secret *password = secret_from_text(machine->password);
    AUTO(text_free) char *salt = kerberos_computer_salt(DOMAIN_DNS, machine->account);
    AUTO(secret_free) struct secret *key = NULL;
    struct error err = { 0 };
    char hex[2 * 32 + 1];

    must(kerberos_key_derive(encryption, password, salt, KERBEROS_ITERATIONS, &key, &err));
    hex_encode(secret_reveal(key), secret_length(key), hex);
    if (!strstr(listing, hex))
        fail_msg("no key %s in %s", hex, listing);
}

/* ---- tests ------------------------------------------------------------------------------------------- */

static void derived_keys_are_those_of_the_domain_s_own_keytab(void **state)
{
    static const enum kerberos_encryption encryptions[] = { KERBEROS_RC4, KERBEROS_AES128, KERBEROS_AES256 };
    AUTO(machine_clear) struct machine machine = { 0 };
    AUTO(text_free) char *path = workplace_path(&test.place, "exported.keytab");
    AUTO(text_free) char *principal = NULL;
    AUTO(command_result_clear) struct command_result listing = { 0 };
    struct error err = { 0 };

    (void)state;
    machine_plug_in(&test.machines, &machine, "9.0");
    machine_join(&machine, kerberos_encryptions_of(0));
    principal = text_format("--principal=%s$", machine.account);
    must(domain_tool(test.domain, NULL, &err, "domain", "exportkeytab", path, principal, NULL));
    must(command_run(&listing, NULL, COMMAND_TIMEOUT_MS,
                     (const char *[]){ "/usr/bin/env", "klist", "-k", "-K", path, NULL }, &err));
    for (size_t i = 0; i < COUNT_OF(encryptions); i++)
        expect_in_keytab(&machine, listing.output, encryptions[i]);
}

static void a_member_of_the_group_reads_the_computer_and_an_outsider_does_not(void **state)
{
    static const struct {
        const char *generation, *encryption;
    } cases[] = {
        { "6.2", "arcfour-hmac" },
        { "7.1", "arcfour-hmac" },
        { "9.0", "aes256-cts-hmac-sha1-96" },
        { "11.8", "aes256-cts-hmac-sha1-96" },
        { "16.1", "aes256-cts-hmac-sha1-96" },
        { "19.0", "aes256-cts-hmac-sha1-96" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(machine_clear) struct machine machine = { 0 };

        plug_in_with_kerberos(&machine, cases[i].generation);
        assert_int_equal(status_by_curl(&machine, test.alice, "AMT_GeneralSettings"), 200);
        expect_state(&machine, "kerberos.last_client", "alice@" DOMAIN_REALM);
        expect_state(&machine, "kerberos.last_encryption", cases[i].encryption);
        assert_int_equal(status_by_curl(&machine, test.mallory, "AMT_GeneralSettings"), 401);
        expect_state(&machine, "kerberos.last_refusal", "mallory@" DOMAIN_REALM ": none of its");
        assert_int_equal(number_of(&machine, "counters.kerberos_logins"), 1);
        assert_int_equal(number_of(&machine, "counters.kerberos_failures"), 1);
    }
}

/* AMT SDK: ServicePrincipalName; from 6.0 on the names are not looked at. */
static void firmware_before_6_0_takes_tickets_for_the_name_with_its_port_only(void **state)
{
    static const char *const releases[] = { "3.2.1", "5.2" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(releases); i++) {
        AUTO(machine_clear) struct machine machine = { 0 };

        plug_in_with_kerberos(&machine, releases[i]);
        assert_int_equal(status_by_port(&machine, test.alice, 16992), 200);
        expect_state(&machine, "kerberos.last_encryption", "arcfour-hmac");
        assert_int_equal(status_by_port(&machine, test.mallory, 16992), 401);
        assert_int_equal(status_by_port(&machine, test.alice, 16993), 401);
        expect_state(&machine, "kerberos.last_refusal", "no service name of this computer");
        assert_int_equal(status_by_curl(&machine, test.alice, "AMT_GeneralSettings"), 401);
    }
}

static void the_computer_proves_that_it_has_the_key_too(void **state)
{
    AUTO(machine_clear) struct machine machine = { 0 };
    struct web_target target;
    struct error err = { 0 };
    int status;

    (void)state;
    plug_in_with_kerberos(&machine, "15.0");
    target = machine_target(&machine);
    must(web_read_by_name(&target, test.alice, DOMAIN_REALM, "AMT_GeneralSettings", &status, &err));
    assert_int_equal(status, 200);
}

/* AMT SDK, realms: the entry says what its user may. */
static void the_entry_decides_what_its_user_may(void **state)
{
    AUTO(machine_clear) struct machine machine = { 0 };
    AUTO(text_free) char *mallory = sid_of("mallory");

    (void)state;
    plug_in_with_kerberos(&machine, "12.0");
    assert_int_equal(status_by_curl(&machine, test.alice, "AMT_GeneralSettings"), 200);
    assert_int_equal(status_by_curl(&machine, test.alice, "AMT_AuthorizationService"), 400);
    machine_allow(&machine, mallory, REALM_ACL);
    assert_int_equal(status_by_curl(&machine, test.mallory, "AMT_AuthorizationService"), 200);
    assert_int_equal(status_by_curl(&machine, test.mallory, "AMT_GeneralSettings"), 400);
}

/* The old interface has a path for each service; what stands there, only its realms' users are told. */
static int status_of_service(const struct machine *machine, const char *cache, const char *path,
                             const char *call)
{
    struct web_target target = machine_target(machine);
    AUTO(negotiation_free) struct negotiation *negotiation = NULL;
    AUTO(text_free) char *token = token_for(machine, cache, machine->port, &negotiation);
    AUTO(text_free) char *header = text_format("Authorization: Negotiate %s", token);
    AUTO(text_free)
    char *body = text_format("<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><S:Body>%s"
                             "</S:Body></S:Envelope>",
                             call);
    AUTO(web_answer_clear) struct web_answer answer = { 0 };
    struct error err = { 0 };

    target.path = path;
    must(web_post(&target, NULL, (const char *[]){ "--header", header, NULL }, body, &answer, &err));
    return answer.status;
}

static void the_entry_decides_which_services_of_the_old_interface_its_user_may_call(void **state)
{
    AUTO(machine_clear) struct machine machine = { 0 };

    (void)state;
    plug_in_with_kerberos(&machine, "5.2");
    assert_int_equal(status_of_service(&machine, test.alice, "/GeneralInfoService",
                                       "<GetCoreVersion xmlns=\"http://schemas.intel.com/platform/client/"
                                       "GeneralInfo/2004/01\"/>"),
                     200);
    assert_int_equal(status_of_service(&machine, test.alice, "/SecurityAdministrationService",
                                       "<GetCoreVersion xmlns=\"http://schemas.intel.com/platform/client/"
                                       "SecurityAdministration/2004/01\"/>"),
                     403);
}

/* Spec 7. The firmware holds one key: a ticket of the former password is void once the new key is there, and
 * one of the new password is void before. A client that asks for a new ticket is let in again. */
static void a_rotated_password_lets_the_same_users_in_with_new_tickets(void **state)
{
    static const char *const releases[] = { "7.1", "11.8" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(releases); i++) {
        AUTO(machine_clear) struct machine machine = { 0 };
        AUTO(text_free) char *again = NULL;

        plug_in_with_kerberos(&machine, releases[i]);
        assert_int_equal(status_by_curl(&machine, test.alice, "AMT_GeneralSettings"), 200);
        machine_change_password(&machine, "Second-password-of-all");
        assert_int_equal(status_by_curl(&machine, test.alice, "AMT_GeneralSettings"), 200); /* cached */
        put_account(&machine, 2);
        assert_int_equal(status_by_curl(&machine, test.alice, "AMT_GeneralSettings"), 401);
        text_free(&test.alice);
        test.alice = log_in("alice");
        assert_int_equal(status_by_curl(&machine, test.alice, "AMT_GeneralSettings"), 200);
        text_free(&test.mallory);
        test.mallory = log_in("mallory");
        assert_int_equal(status_by_curl(&machine, test.mallory, "AMT_GeneralSettings"), 401);
    }
}

/* "The firmware does not compare the ticket's kvno with KeyVersion" (AMT SDK: Kerberos security). */
static void the_version_of_the_key_does_not_count(void **state)
{
    AUTO(machine_clear) struct machine machine = { 0 };

    (void)state;
    plug_in_with_kerberos(&machine, "14.0");
    put_account(&machine, 99);
    assert_int_equal(status_by_curl(&machine, test.alice, "AMT_GeneralSettings"), 200);
}

/* AMT SDK: MaximumClockTolerance. */
static void a_clock_that_is_further_off_than_the_tolerance_lets_nobody_in(void **state)
{
    static const struct {
        int offset_s, status;
    } cases[] = { { 280, 200 }, { -280, 200 }, { 330, 401 }, { -7200, 401 }, { 0, 200 } };
    AUTO(machine_clear) struct machine machine = { 0 };

    (void)state;
    plug_in_with_kerberos(&machine, "11.8");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        set_clock(&machine, cases[i].offset_s);
        assert_int_equal(status_by_curl(&machine, test.alice, "AMT_GeneralSettings"), cases[i].status);
    }
}

static void a_token_that_was_overheard_opens_nothing(void **state)
{
    AUTO(machine_clear) struct machine machine = { 0 };
    AUTO(negotiation_free) struct negotiation *negotiation = NULL;
    AUTO(text_free) char *token = NULL;

    (void)state;
    plug_in_with_kerberos(&machine, "12.0");
    token = token_for(&machine, test.alice, 16992, &negotiation);
    assert_int_equal(status_of_token(&machine, token), 200);
    assert_int_equal(status_of_token(&machine, token), 401);
    expect_state(&machine, "kerberos.last_refusal", "came before");
}

static void a_ticket_for_another_computer_or_in_another_encryption_opens_nothing(void **state)
{
    AUTO(machine_clear) struct machine one = { 0 }, other = { 0 }, old = { 0 };
    AUTO(negotiation_free) struct negotiation *negotiation = NULL;
    AUTO(text_free) char *token = NULL;

    (void)state;
    plug_in_with_kerberos(&one, "12.0");
    plug_in_with_kerberos(&other, "12.0");
    token = token_for(&one, test.alice, 16992, &negotiation);
    assert_int_equal(status_of_token(&other, token), 401);

    /* An account that says AES, firmware that cannot. */
    machine_plug_in(&test.machines, &old, "7.1");
    machine_join(&old, kerberos_encryptions_of(12));
    put_account(&old, 1);
    machine_allow(&old, test.group_sid, REALM_GENERAL);
    assert_int_equal(status_by_curl(&old, test.alice, "AMT_GeneralSettings"), 401);
    expect_state(&old, "kerberos.last_refusal", "no key for a ticket in aes256-cts-hmac-sha1-96");
}

/* The directory may issue RC4 for a computer that could do better: its passphrase opens that too. */
static void newer_firmware_opens_rc4_tickets_with_its_passphrase(void **state)
{
    AUTO(machine_clear) struct machine machine = { 0 };

    (void)state;
    machine_plug_in(&test.machines, &machine, "11.8");
    machine_join(&machine, KERBEROS_RC4);
    put_account(&machine, 1);
    machine_allow(&machine, test.group_sid, REALM_GENERAL);
    assert_int_equal(status_by_curl(&machine, test.alice, "AMT_GeneralSettings"), 200);
    expect_state(&machine, "kerberos.last_encryption", "arcfour-hmac");
}

/* "Kerberos ticket size can stop you": 4 kB of base64 until AMT 5.x. */
static void a_user_in_many_groups_is_too_much_for_old_firmware_only(void **state)
{
    AUTO(machine_clear) struct machine old = { 0 }, new = { 0 };
    AUTO(text_free) char *ldif = text_copy("");
    AUTO(text_free) char *cache = NULL;
    AUTO(text_free) char *many = NULL;
    struct error err = { 0 };

    (void)state;
    for (unsigned i = 0; i < MEMBERSHIPS_MANY; i++) {
        char *longer = text_format("%sdn: CN=Many %u,CN=Users," DOMAIN_BASE
                                   "\nchangetype: add\nobjectClass: group\nsAMAccountName: Many %u\n"
                                   "groupType: -2147483644\nmember: CN=alice,CN=Users," DOMAIN_BASE "\n\n",
                                   ldif, i, i);

        text_free(&ldif);
        ldif = longer;
    }
    plug_in_with_kerberos(&old, "5.2");
    plug_in_with_kerberos(&new, "11.8");
    assert_int_equal(status_by_port(&old, test.alice, 16992), 200);
    must(domain_modify(test.domain, ldif, &err));
    cache = log_in("alice");
    assert_int_equal(status_by_port(&old, cache, 16992), 401);
    expect_state(&old, "kerberos.last_refusal", "this firmware takes 4096");
    assert_int_equal(status_by_port(&new, cache, 16992), 200);
    many = sid_of("Many 7"); /* local to the domain: the ticket tells it in another place than global ones */
    machine_allow(&new, many, REALM_ACL);
    assert_int_equal(status_by_curl(&new, cache, "AMT_AuthorizationService"), 200);
}

/* MS-ADTS 2.2.16: "no authentication data required" of the computer's account. Then nobody is in any group.
 */
static void tickets_that_tell_no_groups_let_nobody_in(void **state)
{
    AUTO(machine_clear) struct machine machine = { 0 };
    AUTO(text_free) char *ldif = NULL;
    struct error err = { 0 };

    (void)state;
    plug_in_with_kerberos(&machine, "12.0");
    ldif = text_format("dn: CN=%s," DOMAIN_CONTAINER "\nchangetype: modify\nreplace: userAccountControl\n"
                       "userAccountControl: %d\n",
                       machine.account, ACCOUNT_WITHOUT_GROUPS);
    must(domain_modify(test.domain, ldif, &err));
    assert_int_equal(status_by_curl(&machine, test.alice, "AMT_GeneralSettings"), 401);
    expect_state(&machine, "kerberos.last_refusal", "none of its 0 SIDs");
}

static bool offers_negotiate(const struct machine *machine)
{
    const struct web_target target = machine_target(machine);
    AUTO(web_answer_clear) struct web_answer answer = { 0 };
    struct error err = { 0 };

    must(web_post(&target, NULL, (const char *[]){ NULL }, "", &answer, &err));
    assert_int_equal(answer.status, 401);
    assert_non_null(strstr(answer.text, "WWW-Authenticate: Digest "));
    return strstr(answer.text, "WWW-Authenticate: Negotiate") != NULL;
}

static void negotiate_is_offered_only_where_kerberos_is_on(void **state)
{
    AUTO(machine_clear) struct machine machine = { 0 };

    (void)state;
    machine_plug_in(&test.machines, &machine, "11.8");
    assert_false(offers_negotiate(&machine));
    machine_join(&machine, kerberos_encryptions_of(11));
    put_account(&machine, 1);
    machine_allow(&machine, test.group_sid, REALM_GENERAL);
    assert_true(offers_negotiate(&machine));
    assert_int_equal(status_by_curl(&machine, test.alice, "AMT_GeneralSettings"), 200);
    machine_put_kerberos(&machine, "<k:KrbEnabled>false</k:KrbEnabled>");
    assert_false(offers_negotiate(&machine));
    assert_int_equal(status_by_port(&machine, test.alice, 16992), 401);
    expect_state(&machine, "kerberos.last_refusal", "not offered");
}

/* Spec 11. Each is refused, and the computer lives on. */
static void tokens_that_are_none_are_refused(void **state)
{
    static const char *const tokens[] = {
        "",
        "?",
        "AAAA",
        "YA==",
        "YIIFrwYGKwYBBQUCoIIFozCC",
        "TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAGAbEdAAAADw==", /* NTLM */
        "YEgGBisGAQUFAqA+"
        "MDygDjAMBgorBgEEAYI3AgIKoioEKE5UTE1TU1AAAQAAAJeCCOIAAAAAAAAAAAAAAAAAAAAABgGxHQAAAA8=",
    };
    AUTO(machine_clear) struct machine machine = { 0 };

    (void)state;
    plug_in_with_kerberos(&machine, "12.0");
    for (size_t i = 0; i < COUNT_OF(tokens); i++)
        assert_int_equal(status_of_token(&machine, tokens[i]), 401);
    assert_int_equal(number_of(&machine, "counters.kerberos_failures"), COUNT_OF(tokens));
    assert_int_equal(status_by_curl(&machine, test.alice, "AMT_GeneralSettings"), 200);
}

/* ---- fixture ----------------------------------------------------------------------------------------- */

static char *build_directory(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

    assert_true(length > 0);
    path[length] = '\0';
    *strstr(path, "/tests/scenarios/") = '\0';
    return text_copy(path);
}

static void start_simulator(const char *build)
{
    AUTO(text_free) char *program = text_format("%s/tests/amt-simulator", build);
    AUTO(text_free) char *fleet = workplace_path(&test.place, "fleet");
    AUTO(text_free) char *control = workplace_path(&test.place, "control");
    AUTO(text_free) char *log = workplace_path(&test.place, "simulator.log");
    struct error err = { 0 };

    must(file_write(fleet, "", 0600, &err));
    must(simulator_start(&test.simulator, log, control,
                         (const char *[]){ program, "--fleet", fleet, "--control", control, NULL }, &err));
}

static int set_up(void **state)
{
    AUTO(text_free) char *build = build_directory();
    AUTO(text_free) char *directory = text_format("%s/kerberos-test", build);
    AUTO(text_free) char *archive = text_format("%s/domain", build);
    AUTO(text_free) char *copy = NULL;
    struct error err = { 0 };

    (void)state;
    must(workplace_open(&test.place, directory, false, &err));
    copy = workplace_path(&test.place, "domain");
    must(domain_start(&test.domain, archive, copy, test.place.block, &err));
    test.group_sid = sid_of(DOMAIN_OPERATORS);
    test.alice = log_in("alice");
    test.mallory = log_in("mallory");
    test.openssl_config = workplace_path(&test.place, "openssl.cnf");
    must(web_client_prepare(test.openssl_config, &err));
    start_simulator(build);
    test.machines = (struct machines){ &test.place, test.domain, test.simulator, test.openssl_config, 0 };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    simulator_stop(&test.simulator);
    domain_stop(&test.domain);
    workplace_close(&test.place);
    text_free(&test.group_sid);
    text_free(&test.alice);
    text_free(&test.mallory);
    text_free(&test.openssl_config);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derived_keys_are_those_of_the_domain_s_own_keytab),
        cmocka_unit_test(a_member_of_the_group_reads_the_computer_and_an_outsider_does_not),
        cmocka_unit_test(firmware_before_6_0_takes_tickets_for_the_name_with_its_port_only),
        cmocka_unit_test(the_computer_proves_that_it_has_the_key_too),
        cmocka_unit_test(the_entry_decides_what_its_user_may),
        cmocka_unit_test(the_entry_decides_which_services_of_the_old_interface_its_user_may_call),
        cmocka_unit_test(a_rotated_password_lets_the_same_users_in_with_new_tickets),
        cmocka_unit_test(the_version_of_the_key_does_not_count),
        cmocka_unit_test(a_clock_that_is_further_off_than_the_tolerance_lets_nobody_in),
        cmocka_unit_test(a_token_that_was_overheard_opens_nothing),
        cmocka_unit_test(a_ticket_for_another_computer_or_in_another_encryption_opens_nothing),
        cmocka_unit_test(newer_firmware_opens_rc4_tickets_with_its_passphrase),
        cmocka_unit_test(a_user_in_many_groups_is_too_much_for_old_firmware_only),
        cmocka_unit_test(tickets_that_tell_no_groups_let_nobody_in),
        cmocka_unit_test(negotiate_is_offered_only_where_kerberos_is_on),
        cmocka_unit_test(tokens_that_are_none_are_refused),
    };

    return cmocka_run_group_tests_name("kerberos", tests, set_up, tear_down);
}
