/* Spec 6.3: what firmware quotes of a request does not get into steps, reasons and logs. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "firmware/echo.h"
#include "provisioning/secrecy.h"

#define REQUEST(body)                                                                                        \
    "<?xml version=\"1.0\"?><a:Envelope xmlns:a=\"x\"><a:Header><b:To>/wsman</b:To></a:Header><a:Body>" body \
    "</a:Body></a:Envelope>"

static void a_value_of_the_request_is_blotted_out_of_its_fault(void **state)
{
    static const struct {
        const char *request, *reply, *blotted;
    } cases[] = {
        { REQUEST("<g:In><g:Password>S3cret.Word</g:Password></g:In>"),
          "<a:Text>password 'S3cret.Word' is too weak: S3cret.Word</a:Text>",
          "<a:Text>password '***********' is too weak: ***********</a:Text>" },
        { REQUEST("<g:DigestPassword>\n  q83vASNFZ4mrze8BI0VniQ==\n</g:DigestPassword>"),
          "<a:Text>q83vASNFZ4mrze8BI0VniQ==</a:Text>", "<a:Text>************************</a:Text>" },
        /* several values run together, as the text of an element is */
        { REQUEST("<g:Username>console</g:Username><g:Password>S3cret.Word</g:Password>"),
          "<a:Text>consoleS3cret.Word</a:Text>", "<a:Text>******************</a:Text>" },
        { REQUEST("<g:Password>a&amp;b&lt;c.D3</g:Password>"), "<a:Text>a&amp;b&lt;c.D3</a:Text>",
          "<a:Text>***************</a:Text>" },
        /* names of elements are not text, and what is short stands anywhere by chance */
        { REQUEST("<g:Host>Text</g:Host><g:Access>2</g:Access>"), "<a:Text>2 of 22</a:Text>",
          "<a:Text>2 of 22</a:Text>" },
        { REQUEST("<g:Password>S3cret.Word</g:Password>"), "<a:Text>to /wsman</a:Text>",
          "<a:Text>to /wsman</a:Text>" },
        { REQUEST("<g:Password>S3cret.Word</g:Password>"), "<a:Text>cut off: S3cret.Word",
          "<a:Text>cut off: ***********" },
        { REQUEST("<g:Password>S3cret.Word</g:Password>"), "", "" },
        { "", "<a:Text>S3cret.Word</a:Text>", "<a:Text>S3cret.Word</a:Text>" },
        { "<<<>>><", "<>><", "<>><" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(text_free) char *reply = text_copy(cases[i].reply);

        echo_blot(cases[i].request, strlen(cases[i].request), reply, strlen(reply));
        assert_string_equal(reply, cases[i].blotted);
    }
}

static void a_secret_of_the_job_is_blotted_out_of_any_text(void **state)
{
    AUTO(secret_free) struct secret *admin = secret_from_text("Adm1n.Password");
    AUTO(secret_free) struct secret *factory = secret_from_text("admin");
    AUTO(secret_free) struct secret *phrase = secret_from_text("correct horse battery");
    AUTO(secret_free) struct secret *eap = secret_from_text("Rad1us.Password");
    struct account account = { (char *)"factory", (char *)"admin", factory };
    struct eap_settings settings = { .password = eap };
    struct wireless_profile network = { .passphrase = phrase };
    struct wireless_settings wireless = { .profiles = &network, .count = 1 };
    struct wired_8021x wired = { .eap = &settings };
    struct message_job_offer offer = { .accounts = &account,
                                       .account_count = 1,
                                       .admin_password = admin,
                                       .profile = { .wireless = &wireless, .wired_8021x = &wired } };
    char text[] = "user admin: Adm1n.PasswordAdm1n.Password, correct horse battery, Rad1us.Password.";

    (void)state;
    secrecy_keep(&offer, NULL);
    secrecy_keep(&offer, text);
    assert_string_equal(text,
                        "user admin: ****************************, *********************, ***************.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_of_the_request_is_blotted_out_of_its_fault),
        cmocka_unit_test(a_secret_of_the_job_is_blotted_out_of_any_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
