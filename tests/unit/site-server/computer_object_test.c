/* Spec 7: computer objects in a real Active Directory domain. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory/computer_object.h"
#include "directory/kerberos_key.h"
#include "support/domain.h"
#include "support/workplace.h"

#define PC        "pc-1." DOMAIN_DNS
#define DEVICES   "CN=" DOMAIN_DEVICES ",CN=Users," DOMAIN_BASE
#define ELSEWHERE "CN=Computers," DOMAIN_BASE

static struct {
    struct workplace place;
    struct domain *domain;
    char *servers;
    struct ldap_settings ldap;
    struct object_settings objects;
    struct secret *bind_password, *password;
    struct directory_link link;
    struct object_wanted wanted;
    struct object_found found;
} test;

#define must(call)                                                                                           \
    do {                                                                                                     \
        if (!(call))                                                                                         \
            fail_msg("%s", err.message);                                                                     \
    } while (0)

/* With the settings as they are now. */
static void connect_anew(void)
{
    ldap_session_free(&test.link.domain);
    ldap_session_free(&test.link.catalog);
    test.link.domain = ldap_session_new(&test.ldap, false);
    test.link.catalog = ldap_session_new(&test.ldap, true);
}

static void connect_as(const char *user)
{
    AUTO(text_free) char *name = text_format("%s@" DOMAIN_DNS, user);
    static char bind_user[64];

    snprintf(bind_user, sizeof(bind_user), "%s", name);
    test.ldap = (struct ldap_settings){ .servers = test.servers,
                                        .global_catalogs = "",
                                        .ca_file = test.domain->authority_path,
                                        .bind_user = bind_user,
                                        .password = test.bind_password,
                                        .timeout_s = 5 };
    connect_anew();
}

static void want(const char *uuid, const char *fqdn)
{
    object_found_clear(&test.found);
    test.wanted = (struct object_wanted){ .fqdn = fqdn,
                                          .encryption_types = KERBEROS_AES128 | KERBEROS_AES256,
                                          .password = test.password };
    assert_true(uuid_parse(uuid, &test.wanted.uuid));
}

static int set_up(void **state)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    AUTO(text_free) char *directory = NULL;
    AUTO(text_free) char *archive = NULL;
    AUTO(text_free) char *copy = NULL;
    struct error err = { 0 };

    (void)state;
    path[length] = '\0';
    *strstr(path, "/tests/unit/") = '\0';
    directory = text_format("%s/computer-object-test", path);
    archive = text_format("%s/domain", path);
    must(workplace_open(&test.place, directory, false, &err));
    copy = workplace_path(&test.place, "domain");
    must(domain_start(&test.domain, archive, copy, test.place.block, &err));
    test.servers = text_format("ldaps://%s", test.domain->address);
    test.bind_password = secret_from_text(DOMAIN_PASSWORD);
    test.password = secret_from_text("Own-Passw0rd-of-pc-1");
    test.objects = (struct object_settings){ DOMAIN_CONTAINER, "" };
    connect_as(DOMAIN_SITE);
    want("4c4c4544-0001-4d10-8064-000000000001", PC);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    object_found_clear(&test.found);
    ldap_session_free(&test.link.domain);
    ldap_session_free(&test.link.catalog);
    secret_free(&test.bind_password);
    secret_free(&test.password);
    text_free(&test.servers);
    domain_stop(&test.domain);
    workplace_close(&test.place);
    return 0;
}

static bool keep(struct error *err)
{
    return computer_object_keep(&test.link, &test.objects, &test.wanted, &test.found, err);
}

/* What the next run knows of this one. */
static void remember(void)
{
    static char account_name[32];

    snprintf(account_name, sizeof(account_name), "%s", test.found.account_name);
    test.wanted.guid = test.found.guid;
    test.wanted.account_name = account_name;
    test.wanted.key_version = test.found.key_version;
}

static void expect_found(const char *filter, const char *wanted_attributes, const char *wanted)
{
    AUTO(text_free) char *found = NULL;
    struct error err = { 0 };

    must(domain_search(test.domain, &found, filter, wanted_attributes, &err));
    assert_string_equal(found, wanted);
}

static void change(const char *ldif)
{
    struct error err = { 0 };

    must(domain_modify(test.domain, ldif, &err));
}

static void expect_refusal(enum reason_code reason, const char *words)
{
    struct error err = { 0 };

    assert_false(keep(&err));
    if (err.reason != reason || !strstr(err.message, words))
        fail_msg("%s: %s", reason_of(err.reason)->name, err.message);
}

static void an_object_is_created_with_all_that_spec_7_names(void **state)
{
    struct error err = { 0 };

    (void)state;
    must(keep(&err));
    assert_string_equal(test.found.changes, "created");
    assert_string_equal(test.found.dn, "CN=pc-1iME$," DOMAIN_CONTAINER);
    assert_string_equal(test.found.account_name, "pc-1iME$");
    assert_string_equal(test.found.domain, DOMAIN_DNS);
    assert_true(test.found.guid.known);
    assert_true(test.found.key_version > 0);
    expect_found("(sAMAccountName=pc-1iME$)",
                 "dNSHostName userAccountControl msDS-SupportedEncryptionTypes description "
                 "servicePrincipalName",
                 "dn: CN=pc-1iME$," DOMAIN_CONTAINER "\n"
                 "description: Intel AMT 4c4c4544-0001-4d10-8064-000000000001\n"
                 "userAccountControl: 69632\ndNSHostName: " PC "\nservicePrincipalName: HTTP/" PC
                 "\nservicePrincipalName: HTTP/" PC ":16992\nservicePrincipalName: HTTP/" PC
                 ":16993\nservicePrincipalName: HTTP/" PC ":16994\nservicePrincipalName: HTTP/" PC
                 ":16995\nservicePrincipalName: HTTP/" PC ":623\nservicePrincipalName: HTTP/" PC
                 ":664\nmsDS-SupportedEncryptionTypes: 24\n\n");
}

static void a_second_run_changes_nothing(void **state)
{
    struct error err = { 0 };
    uint32_t key_version;

    (void)state;
    must(keep(&err));
    remember();
    key_version = test.found.key_version;
    must(keep(&err));
    assert_string_equal(test.found.changes, "");
    assert_int_equal(test.found.key_version, key_version);
}

static void an_object_whose_guid_was_never_learned_is_found_again(void **state)
{
    struct error err = { 0 };

    (void)state;
    must(keep(&err));
    must(keep(&err));
    assert_string_equal(test.found.changes, "password"); /* whose it is cannot be known then */
    expect_found("(servicePrincipalName=HTTP/" PC ")", "sAMAccountName",
                 "dn: CN=pc-1iME$," DOMAIN_CONTAINER "\nsAMAccountName: pc-1iME$\n\n");
}

static void an_object_that_was_moved_and_renamed_is_repaired_where_it_is(void **state)
{
    struct error err = { 0 };

    (void)state;
    must(domain_tool(test.domain, NULL, &err, "dsacl", "set", "--objectdn=" ELSEWHERE,
                     "--sddl=(OA;CIIO;GA;;bf967a86-0de6-11d0-a285-00aa003049e2;AU)", NULL));
    must(keep(&err));
    remember();
    change("dn: CN=pc-1iME$," DOMAIN_CONTAINER "\nchangetype: modrdn\nnewrdn: CN=Moved\ndeleteoldrdn: 1\n"
           "newsuperior: " ELSEWHERE "\n");
    change("dn: CN=Moved," ELSEWHERE "\nchangetype: modify\nreplace: servicePrincipalName\n"
           "servicePrincipalName: HTTP/" PC "\n-\nreplace: userAccountControl\nuserAccountControl: 4098\n");
    must(keep(&err));
    assert_string_equal(test.found.dn, "CN=Moved," ELSEWHERE);
    assert_string_equal(test.found.changes, "userAccountControl, servicePrincipalName");
    expect_found("(sAMAccountName=pc-1iME$)", "userAccountControl",
                 "dn: CN=Moved," ELSEWHERE "\nuserAccountControl: 69632\n\n");
    must(computer_object_remove(&test.link, &test.objects, &test.wanted.uuid, &test.wanted.guid, &err));
    expect_found("(servicePrincipalName=HTTP/" PC "*)", "cn", "");
}

static void an_object_that_was_deleted_behind_our_back_is_created_again(void **state)
{
    struct error err = { 0 };

    (void)state;
    must(keep(&err));
    remember();
    change("dn: CN=pc-1iME$," DOMAIN_CONTAINER "\nchangetype: delete\n");
    must(keep(&err));
    assert_string_equal(test.found.changes, "created");
    assert_memory_not_equal(test.found.guid.bytes, test.wanted.guid.bytes, DIRECTORY_GUID_BYTES);
}

static void a_new_password_raises_the_key_version(void **state)
{
    struct error err = { 0 };

    (void)state;
    must(keep(&err));
    remember();
    test.wanted.new_password = true;
    must(keep(&err));
    assert_string_equal(test.found.changes, "password");
    assert_int_equal(test.found.key_version, test.wanted.key_version + 1);
}

static void a_password_that_somebody_else_set_is_replaced(void **state)
{
    struct error err = { 0 };

    (void)state;
    must(keep(&err));
    remember();
    must(domain_tool(test.domain, NULL, &err, "user", "setpassword", "pc-1iME$",
                     "--newpassword=An0ther-Passw0rd", NULL));
    must(keep(&err));
    assert_string_equal(test.found.changes, "password");
    assert_int_equal(test.found.key_version, test.wanted.key_version + 2);
}

static void a_renamed_host_gets_its_new_principals_and_keeps_its_account(void **state)
{
    struct error err = { 0 };

    (void)state;
    must(keep(&err));
    remember();
    test.wanted.fqdn = "other." DOMAIN_DNS;
    must(keep(&err));
    assert_string_equal(test.found.changes, "dNSHostName, servicePrincipalName");
    assert_string_equal(test.found.account_name, "pc-1iME$");
    expect_found("(servicePrincipalName=HTTP/" PC "*)", "cn", "");
    expect_found("(servicePrincipalName=HTTP/other." DOMAIN_DNS ")", "cn",
                 "dn: CN=pc-1iME$," DOMAIN_CONTAINER "\ncn: pc-1iME$\n\n");
}

static void two_names_equal_in_their_first_letters_get_accounts_of_their_own(void **state)
{
    AUTO(text_free) char *first = NULL;
    struct error err = { 0 };

    (void)state;
    want("4c4c4544-0001-4d10-8064-000000000001", "workstation-long-a." DOMAIN_DNS);
    must(keep(&err));
    first = text_copy(test.found.account_name);
    want("4c4c4544-0001-4d10-8064-000000000002", "workstation-long-b." DOMAIN_DNS);
    must(keep(&err));
    assert_string_equal(first, "workstation-longiME$");
    assert_string_equal(test.found.account_name, "workstation-lo-2iME$");
}

static void a_principal_of_another_object_is_refused_with_its_dn(void **state)
{
    (void)state;
    change("dn: CN=web," ELSEWHERE "\nchangetype: add\nobjectClass: computer\nsAMAccountName: web$\n"
           "userAccountControl: 4096\nservicePrincipalName: HTTP/" PC ":16993\n");
    expect_refusal(REASON_DIRECTORY_PRINCIPAL_TAKEN, "HTTP/" PC ":16993 is held by CN=web," ELSEWHERE);
    expect_found("(servicePrincipalName=HTTP/" PC ":16992)", "cn", "");
}

/* CVE-2021-42282: HTTP/NAME without a port is an alias of the HOST/NAME that Windows itself has. */
static void a_computer_that_is_a_member_of_the_domain_gets_the_principals_with_ports(void **state)
{
    struct error err = { 0 };

    (void)state;
    change("dn: CN=pc-1," ELSEWHERE "\nchangetype: add\nobjectClass: computer\nsAMAccountName: pc-1$\n"
           "userAccountControl: 4096\ndNSHostName: " PC "\nservicePrincipalName: HOST/" PC "\n");
    must(keep(&err));
    assert_int_equal(test.found.principal_count, OBJECT_PRINCIPALS_MAX - 1);
    assert_string_equal(test.found.principals[0], "HTTP/" PC ":16992");
    remember();
    must(keep(&err));
    assert_string_equal(test.found.changes, "");
}

static void an_object_becomes_a_member_of_the_configured_group(void **state)
{
    struct error err = { 0 };

    (void)state;
    test.objects.group = DEVICES;
    must(keep(&err));
    assert_string_equal(test.found.changes, "created, member");
    expect_found("(cn=" DOMAIN_DEVICES ")", "member",
                 "dn: " DEVICES "\nmember: CN=pc-1iME$," DOMAIN_CONTAINER "\n\n");
    remember();
    must(keep(&err));
    assert_string_equal(test.found.changes, "");
}

static void removal_leaves_no_object_and_no_principal(void **state)
{
    struct error err = { 0 };

    (void)state;
    must(keep(&err));
    must(computer_object_remove(&test.link, &test.objects, &test.wanted.uuid, &test.found.guid, &err));
    expect_found("(|(sAMAccountName=pc-1*)(servicePrincipalName=HTTP/" PC "*))", "cn", "");
    must(computer_object_remove(&test.link, &test.objects, &test.wanted.uuid, &test.found.guid, &err));
}

static void refusals_name_what_is_wrong(void **state)
{
    (void)state;
    test.objects.container = "OU=Missing," DOMAIN_BASE;
    expect_refusal(REASON_DIRECTORY_NO_CONTAINER, "OU=Missing," DOMAIN_BASE);
    test.objects.container = DOMAIN_CONTAINER;
    connect_as(DOMAIN_OUTSIDER);
    expect_refusal(REASON_DIRECTORY_NOT_PERMITTED, DOMAIN_CONTAINER);
    connect_as("nobody");
    expect_refusal(REASON_DIRECTORY_LOGIN, "nobody@" DOMAIN_DNS);
    connect_as(DOMAIN_SITE);
    test.ldap.ca_file = "/etc/ssl/certs/ca-certificates.crt";
    expect_refusal(REASON_DIRECTORY_UNREACHABLE, test.domain->address);
}

static void the_next_controller_serves_when_one_is_away(void **state)
{
    AUTO(text_free)
    char *servers = text_format("ldaps://127.%u.0.201 ldaps://%s", test.place.block, test.domain->address);
    struct error err = { 0 };

    (void)state;
    test.ldap.servers = servers;
    must(keep(&err));
    assert_string_equal(ldap_session_server(test.link.domain), test.servers);
}

static void starttls_serves_where_ldaps_does_not(void **state)
{
    AUTO(text_free) char *servers = text_format("ldap://%s", test.domain->address);
    struct error err = { 0 };

    (void)state;
    test.ldap.servers = servers;
    expect_refusal(REASON_DIRECTORY_LOGIN, servers); /* in clear the directory takes no password */
    test.ldap.starttls = true;
    must(keep(&err));
    test.ldap.ca_file = "/etc/ssl/certs/ca-certificates.crt";
    connect_anew();
    expect_refusal(REASON_DIRECTORY_UNREACHABLE, "StartTLS");
}

static void a_connection_that_was_lost_is_made_again(void **state)
{
    struct error err = { 0 };

    (void)state;
    must(keep(&err));
    remember();
    domain_halt(test.domain);
    expect_refusal(REASON_DIRECTORY_UNREACHABLE, test.servers);
    must(domain_resume(test.domain, &err));
    must(keep(&err));
    assert_string_equal(test.found.changes, "");
}

static void account_names_are_cut_and_numbered(void **state)
{
    static const struct {
        const char *fqdn, *name;
        unsigned n;
        bool dollar_last;
    } cases[] = {
        { "pc." DOMAIN_DNS, "pc$iME", 1, false },
        { "pc." DOMAIN_DNS, "pciME$", 1, true },
        { "pc." DOMAIN_DNS, "pc-2$iME", 2, false },
        { "a123456789b123456789." DOMAIN_DNS, "a123456789b12345$iME", 1, false },
        { "a123456789b123456789." DOMAIN_DNS, "a123456789b12-99iME$", 99, true },
        { "nodomain", "nodomain$iME", 1, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(text_free)
        char *name = computer_account_name(cases[i].fqdn, cases[i].n, cases[i].dollar_last);

        assert_string_equal(name, cases[i].name);
        assert_true(strlen(name) <= ACCOUNT_NAME_MAX);
    }
}

#define with_domain(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_domain(an_object_is_created_with_all_that_spec_7_names),
        with_domain(a_second_run_changes_nothing),
        with_domain(an_object_whose_guid_was_never_learned_is_found_again),
        with_domain(an_object_that_was_moved_and_renamed_is_repaired_where_it_is),
        with_domain(an_object_that_was_deleted_behind_our_back_is_created_again),
        with_domain(a_new_password_raises_the_key_version),
        with_domain(a_password_that_somebody_else_set_is_replaced),
        with_domain(a_renamed_host_gets_its_new_principals_and_keeps_its_account),
        with_domain(two_names_equal_in_their_first_letters_get_accounts_of_their_own),
        with_domain(a_principal_of_another_object_is_refused_with_its_dn),
        with_domain(a_computer_that_is_a_member_of_the_domain_gets_the_principals_with_ports),
        with_domain(an_object_becomes_a_member_of_the_configured_group),
        with_domain(removal_leaves_no_object_and_no_principal),
        with_domain(refusals_name_what_is_wrong),
        with_domain(the_next_controller_serves_when_one_is_away),
        with_domain(starttls_serves_where_ldaps_does_not),
        with_domain(a_connection_that_was_lost_is_made_again),
        cmocka_unit_test(account_names_are_cut_and_numbered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
