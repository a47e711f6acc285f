/* The second stage on firmware that lacks what newer firmware has: spec O8. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "common/encoding.h"
#include "fake_device.h"
#include "provisioning/first_stage.h"
#include "provisioning/steps.h"

#define AMT "http://intel.com/wbem/wscim/1/amt-schema/1/"
#define ACL(method, content)                                                                                 \
    "<g:" method "_OUTPUT xmlns:g=\"" AMT "AMT_AuthorizationService\">" content                              \
    "<g:ReturnValue>0</g:ReturnValue></g:" method "_OUTPUT>"
#define ENUMERATED                                                                                           \
    "<n:EnumerateResponse xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\">"                    \
    "<n:EnumerationContext>c</n:EnumerationContext></n:EnumerateResponse>"
#define PULLED(items)                                                                                        \
    "<n:PullResponse xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\"><n:Items>" items          \
    "</n:Items><n:EndOfSequence/></n:PullResponse>"
#define ABSENT_FAULT                                                                                         \
    "<a:Fault><a:Code><a:Value>a:Sender</a:Value><a:Subcode><a:Value>b:DestinationUnreachable</a:Value>"     \
    "</a:Subcode></a:Code><a:Reason><a:Text xml:lang=\"en-US\">No route.</a:Text></a:Reason>"                \
    "<a:Detail/></a:Fault>"

static struct identity authority, current, former, own;
static struct trust *trust;
static struct fake_device device;
static char answers[FAKE_REQUESTS_MAX][8192];
static struct error err;

static int make_identities(void **state)
{
    struct certificate_wish wish = { .common_name = "pc17.example.com",
                                     .purposes = "serverAuth",
                                     .issuer = &authority };

    (void)state;
    authority = pki_make(&(struct certificate_wish){ .common_name = "Site CA", .authority = true });
    current = pki_make(&wish);
    former = pki_make(&wish);
    own = pki_make(&(struct certificate_wish){ .common_name = "AMT" });
    return trust_load(&trust, NULL, 0, 0, &err) ? 0 : -1;
}

static int free_identities(void **state)
{
    (void)state;
    trust_free(&trust);
    pki_free(&authority);
    pki_free(&current);
    pki_free(&former);
    pki_free(&own);
    return 0;
}

static void envelope_make(char out[8192], const char *body)
{
    bool fault = strncmp(body, "<a:Fault", 8) == 0;
    char envelope[7168];

    snprintf(envelope, sizeof(envelope),
             "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\""
             " xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\"><a:Header>"
             "<b:Action a:mustUnderstand=\"true\">x</b:Action></a:Header><a:Body>%s</a:Body></a:Envelope>",
             body);
    snprintf(out, 8192,
             "HTTP/1.1 %s\r\nServer: Intel(R) Active Management Technology 3.2.1\r\n"
             "Content-Length: %zu\r\n%s\r\n%s",
             fault ? "400 Bad Request" : "200 OK", strlen(envelope), fault ? "Connection: close\r\n" : "",
             envelope);
}

static void stay_silent(void *context, struct message *message)
{
    (void)context;
    message_free(message);
}

/* A session with a device, whose first stage went over the older SOAP interface; the last body is NULL. */
static struct session *talk(const char *const *bodies, const char *version)
{
    static struct session_surroundings around = { .say = stay_silent };
    struct message_job_offer offer = { .id = { 12, 1 }, .deadline_s = 60 };
    struct connection_target target = { .address = "127.0.0.1", .timeout_ms = 3000, .trust = trust };
    struct session *session;

    memset(&device, 0, sizeof(device));
    err = (struct error){ 0 };
    device.identity = &own;
    for (size_t i = 0; bodies[i]; i++) {
        envelope_make(answers[i], bodies[i]);
        device.script[i] =
            (struct fake_answer){ .text = answers[i],
                                  .ending = strstr(answers[i], "400 Bad") ? FAKE_CLOSES_AFTER : FAKE_KEEPS };
    }
    offer.host_name = text_copy("pc17");
    offer.domain = text_copy("example.com");
    offer.issuers = allocate(sizeof(*offer.issuers));
    offer.issuers[0] = pki_der(&authority);
    offer.issuer_count = 1;
    session = session_new(&offer, &around);
    session->stage = &first_stage_eoi;
    session->result.firmware_version = text_copy(version);
    fake_start(&device);
    target.port = device.port;
    assert_true(connection_open(&session->connection, &target, &err));
    return session;
}

static void hang_up(struct session **session)
{
    session_free(session);
    fake_stop(&device);
}

static enum step_outcome run(step_function *step, struct session *session)
{
    struct step_report report = { .outcome = STEP_DONE };

    if (!step(session, &report, &err))
        fail_msg("%s", err.message);
    text_free(&report.detail);
    return report.outcome;
}

static void add_user(struct session *session, const char *name, const uint32_t *realms, size_t count)
{
    struct profile *profile = &session->offer.profile;
    struct user_entry *user;

    profile->users = reallocate(profile->users, profile->user_count + 1, sizeof(*profile->users));
    user = &profile->users[profile->user_count++];
    *user = (struct user_entry){ .username = text_copy(name),
                                 .password = secret_from_text("Str0ng!Passw0rd"),
                                 .access = 2 };
    user->realms = allocate(count * sizeof(*realms));
    memcpy(user->realms, realms, count * sizeof(*realms));
    user->realm_count = count;
}

/* AMT SDK: the realms of the audit log and of access control came with AMT 4.0. */
static void rights_that_the_firmware_does_not_know_are_left_out(void **state)
{
    static const char *const bodies[] = {
        ACL("EnumerateUserAclEntries", "<g:TotalCount>0</g:TotalCount>"),
        ACL("AddUserAclEntryEx", "<g:Handle>1</g:Handle>"),
        NULL,
    };
    struct session *session = talk(bodies, "3.2.1");

    (void)state;
    add_user(session, "helpdesk", (const uint32_t[]){ 5, 20, 21 }, 3);
    add_user(session, "auditor", (const uint32_t[]){ 20 }, 1);
    assert_int_equal(run(write_access_control_list, session), STEP_DONE);
    hang_up(&session);
    assert_int_equal(device.request_count, 2);
    assert_non_null(strstr(device.requests[1], "helpdesk"));
    assert_non_null(strstr(device.requests[1], "<acl:Realms>5</acl:Realms>"));
    assert_null(strstr(device.requests[1], "<acl:Realms>20</acl:Realms>"));
}

static void an_entry_with_the_rights_that_the_firmware_knows_is_left_alone(void **state)
{
    static const char *const bodies[] = {
        ACL("EnumerateUserAclEntries", "<g:TotalCount>1</g:TotalCount><g:Handles>1</g:Handles>"),
        ACL("GetUserAclEntryEx", "<g:DigestUsername>helpdesk</g:DigestUsername>"
                                 "<g:AccessPermission>2</g:AccessPermission><g:Realms>5</g:Realms>"),
        NULL,
    };
    struct session *session = talk(bodies, "3.2.1");

    (void)state;
    add_user(session, "helpdesk", (const uint32_t[]){ 5, 20 }, 2);
    assert_int_equal(run(write_access_control_list, session), STEP_UNCHANGED);
    hang_up(&session);
}

static void firmware_without_redirection_counts_as_off(void **state)
{
    static const char *const bodies[] = { ABSENT_FAULT, ABSENT_FAULT, NULL };
    struct session *session = talk(bodies, "3.2.1");

    (void)state;
    assert_int_equal(run(set_redirection, session), STEP_UNCHANGED);
    session->offer.profile.serial_over_lan = true;
    assert_int_equal(run(set_redirection, session), STEP_SKIPPED);
    assert_true(session->redirection_absent);
    hang_up(&session);
}

static char *certificate_instance(const struct identity *identity, const char *id)
{
    AUTO(bytes_free) struct bytes der = pki_der(identity);
    AUTO(text_free) char *encoded = base64_encode(der.data, der.length);

    return text_format("<c:AMT_PublicKeyCertificate xmlns:c=\"" AMT "AMT_PublicKeyCertificate\">"
                       "<c:InstanceID>%s</c:InstanceID><c:TrustedRootCertficate>false"
                       "</c:TrustedRootCertficate><c:X509Certificate>%s</c:X509Certificate>"
                       "</c:AMT_PublicKeyCertificate>",
                       id, encoded);
}

/* The older SOAP interface names them by handles, WS-Management by InstanceIDs. */
static void old_certificates_are_deleted_by_their_ws_management_names(void **state)
{
    AUTO(text_free) char *kept = certificate_instance(&current, "Intel(r) AMT Certificate: Handle: 0");
    AUTO(text_free) char *old = certificate_instance(&former, "Intel(r) AMT Certificate: Handle: 1");
    AUTO(text_free)
    char *list = text_format("<n:PullResponse xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\">"
                             "<n:Items>%s%s</n:Items><n:EndOfSequence/></n:PullResponse>",
                             kept, old);
    const char *const bodies[] = { ENUMERATED, PULLED(""), ENUMERATED, list, "", NULL };
    struct session *session = talk(bodies, "3.2.1");

    (void)state;
    strcpy(session->credential.certificate_id, "0");
    session->credential.certificate = pki_der(&current);
    session->result.certificate = pki_der(&current);
    assert_int_equal(run(list_stored_again, session), STEP_UNCHANGED);
    assert_string_equal(session->credential.certificate_id, "Intel(r) AMT Certificate: Handle: 0");
    assert_int_equal(run(clean_up, session), STEP_DONE);
    hang_up(&session);
    assert_int_equal(device.request_count, 5);
    assert_non_null(strstr(device.requests[4], "transfer/Delete"));
    assert_non_null(strstr(device.requests[4], "Intel(r) AMT Certificate: Handle: 1"));
}

static void firmware_that_lists_no_certificates_is_left_alone(void **state)
{
    static const char *const bodies[] = { ABSENT_FAULT, NULL };
    struct session *session = talk(bodies, "3.2.1");

    (void)state;
    assert_int_equal(run(list_stored_again, session), STEP_SKIPPED);
    assert_int_equal(run(clean_up, session), STEP_UNCHANGED);
    hang_up(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rights_that_the_firmware_does_not_know_are_left_out),
        cmocka_unit_test(an_entry_with_the_rights_that_the_firmware_knows_is_left_alone),
        cmocka_unit_test(firmware_without_redirection_counts_as_off),
        cmocka_unit_test(old_certificates_are_deleted_by_their_ws_management_names),
        cmocka_unit_test(firmware_that_lists_no_certificates_is_left_alone),
    };

    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
