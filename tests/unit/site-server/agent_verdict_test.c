/* Spec 3: who is bound, and who is told to provision. Pure. */
#include "agents/policy.h"
#include "tests/unit/unit_test.h"

#include <string.h>

#define expect_reason(given, wanted) assert_string_equal(reason_of(given)->name, reason_of(wanted)->name)

/* A key of nobody's, a computer of nobody's, a token of the site. */
static const struct enrolment_facts first_contact = { .token = TOKEN_GOOD };

static void an_unbound_key_needs_a_good_token(void **state)
{
    static const struct {
        enum token_state token;
        enum reason_code reason;
    } cases[] = {
        { TOKEN_NONE, REASON_TOKEN_MISSING },
        { TOKEN_UNKNOWN, REASON_TOKEN_UNKNOWN },
        { TOKEN_EXPIRED, REASON_TOKEN_EXPIRED },
        { TOKEN_REVOKED, REASON_TOKEN_REVOKED },
        { TOKEN_GOOD, REASON_NONE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct enrolment_facts facts = { .token = cases[i].token };

        expect_reason(enrolment_judge(&facts), cases[i].reason);
    }
}

static void a_bound_key_needs_no_token_but_its_own_uuid(void **state)
{
    struct enrolment_facts facts = { .key_bound = true, .key_bound_here = true };

    (void)state;
    expect_reason(enrolment_judge(&facts), REASON_NONE);
    facts.key_bound_here = false;
    facts.token = TOKEN_GOOD;
    expect_reason(enrolment_judge(&facts), REASON_KEY_OF_ANOTHER);
}

/* Whether a computer has an agent is nobody's business who has no token. */
static void a_stranger_is_not_told_which_computers_are_bound(void **state)
{
    struct enrolment_facts facts = { .uuid_bound_elsewhere = true, .token = TOKEN_UNKNOWN };

    (void)state;
    expect_reason(enrolment_judge(&facts), REASON_TOKEN_UNKNOWN);
    facts.token = TOKEN_GOOD;
    expect_reason(enrolment_judge(&facts), REASON_BOUND_TO_ANOTHER_KEY);
}

static void other_facts_that_forbid_an_enrolment_are_named(void **state)
{
    struct enrolment_facts facts = first_contact;

    (void)state;
    facts.token_of_another = true;
    expect_reason(enrolment_judge(&facts), REASON_TOKEN_OF_ANOTHER);
    facts = first_contact;
    facts.name_taken = true;
    expect_reason(enrolment_judge(&facts), REASON_NAME_TAKEN);
    facts.computer_known = true; /* an import says what it is called */
    expect_reason(enrolment_judge(&facts), REASON_NONE);
    facts.dummy_uuid = true;
    expect_reason(enrolment_judge(&facts), REASON_DUMMY_UUID);
}

/* What its agent says would be the name of its certificate. */
static void a_computer_that_was_not_imported_is_refused_where_imported_ones_alone_have_agents(void **state)
{
    struct enrolment_facts facts = first_contact;

    (void)state;
    facts.imported_only = true;
    expect_reason(enrolment_judge(&facts), REASON_UNKNOWN_COMPUTER);
    facts.token = TOKEN_UNKNOWN; /* a stranger is not told which computers are known */
    expect_reason(enrolment_judge(&facts), REASON_TOKEN_UNKNOWN);
    facts = first_contact;
    facts.imported_only = facts.computer_known = true;
    expect_reason(enrolment_judge(&facts), REASON_NONE);
}

static const struct policy_facts new_computer = { .managed_in_band = true,
                                                  .provision = true,
                                                  .auto_reprovision = true,
                                                  .has_fqdn = true,
                                                  .setup_state = SETUP_PRE,
                                                  .roots_known = true };

static void a_new_computer_is_to_be_provisioned(void **state)
{
    (void)state;
    expect_reason(policy_judge(&new_computer), REASON_NONE);
}

static void what_speaks_against_it_is_named(void **state)
{
    struct policy_facts facts = new_computer;

    (void)state;
    facts.blocked = true;
    expect_reason(policy_judge(&facts), REASON_BLOCKED);
    facts = new_computer;
    facts.managed_in_band = false;
    expect_reason(policy_judge(&facts), REASON_MANAGED_OUT_OF_BAND);
    facts = new_computer;
    facts.provision = false;
    expect_reason(policy_judge(&facts), REASON_PROVISIONING_OFF);
    facts = new_computer;
    facts.unprovisioned = true;
    expect_reason(policy_judge(&facts), REASON_UNPROVISIONED);
    facts = new_computer;
    facts.job_leased = true;
    expect_reason(policy_judge(&facts), REASON_JOB_UNDER_WAY);
    facts = new_computer;
    facts.has_fqdn = false;
    expect_reason(policy_judge(&facts), REASON_NAME_MISSING);
    facts = new_computer;
    facts.roots_known = false;
    expect_reason(policy_judge(&facts), REASON_NO_SERVICE_POINT);
}

static void a_computer_that_the_site_holds_is_left_alone_while_its_firmware_says_so_too(void **state)
{
    struct policy_facts facts = new_computer;

    (void)state;
    facts.held = facts.ever_provisioned = true;
    facts.setup_state = SETUP_POST;
    expect_reason(policy_judge(&facts), REASON_HELD_BY_SITE);
    facts.setup_state = SETUP_UNKNOWN;
    expect_reason(policy_judge(&facts), REASON_HELD_BY_SITE);
    facts.setup_state = SETUP_PRE; /* its provisioning was removed */
    expect_reason(policy_judge(&facts), REASON_NONE);
    facts.auto_reprovision = false;
    expect_reason(policy_judge(&facts), REASON_REPROVISIONING_OFF);
}

static void a_policy_that_says_no_names_no_roots(void **state)
{
    struct root_hash roots[] = { { .algorithm = 2, .length = 32, .hash = { 3 } } };
    struct agent agent = { .facts = new_computer, .root_hashes = roots, .root_hash_count = 1 };
    struct message yes = { .kind = MESSAGE_POLICY }, no = { .kind = MESSAGE_POLICY };

    (void)state;
    policy_tell(&agent, 60, &yes.policy);
    assert_true(yes.policy.provision);
    assert_int_equal(yes.policy.root_hash_count, 1);
    assert_memory_equal(&yes.policy.root_hashes[0], &roots[0], sizeof(roots[0]));
    assert_int_equal(yes.policy.come_back_s, 60);
    agent.facts.provision = false;
    policy_tell(&agent, 60, &no.policy);
    assert_false(no.policy.provision);
    assert_int_equal(no.policy.root_hash_count, 0);
    assert_string_equal(no.policy.text, reason_of(REASON_PROVISIONING_OFF)->meaning);
    message_free(&yes);
    message_free(&no);
}

/* SHA-256 of "abc" (FIPS 180-4): what the database is to hold of a token that says so. */
static void the_hash_of_a_token_is_that_of_its_text(void **state)
{
    static const unsigned char wanted[TOKEN_HASH_BYTES] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
        0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
    };
    AUTO(secret_free) struct secret *token = secret_from_text("abc");
    unsigned char hash[TOKEN_HASH_BYTES];

    (void)state;
    assert_true(token_hash(token, hash));
    assert_memory_equal(hash, wanted, sizeof(hash));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unbound_key_needs_a_good_token),
        cmocka_unit_test(a_bound_key_needs_no_token_but_its_own_uuid),
        cmocka_unit_test(a_stranger_is_not_told_which_computers_are_bound),
        cmocka_unit_test(a_computer_that_was_not_imported_is_refused_where_imported_ones_alone_have_agents),
        cmocka_unit_test(other_facts_that_forbid_an_enrolment_are_named),
        cmocka_unit_test(a_new_computer_is_to_be_provisioned),
        cmocka_unit_test(what_speaks_against_it_is_named),
        cmocka_unit_test(a_computer_that_the_site_holds_is_left_alone_while_its_firmware_says_so_too),
        cmocka_unit_test(a_policy_that_says_no_names_no_roots),
        cmocka_unit_test(the_hash_of_a_token_is_that_of_its_text),
    };

    return cmocka_run_group_tests_name("agent verdict", tests, NULL, NULL);
}
