/* What a ticket tells of its user (MS-PAC 2.5), and what stands around it in HTTP (RFC 4178). */
#include "../../simulator/encoding.h"
#include "../../simulator/pac.h"
#include "../../simulator/spnego.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 1024 };

/* ---- the PAC ----------------------------------------------------------------------------------------- */

#define HEADERS                                                                                              \
    "01100800cccccccc"                                                                                       \
    "0000000000000000"

/* Written by Samba's NDR: user 1110 and primary group 513 of S-1-5-21-1-2-3; groups 513, 1105, and 1106 for
 * denials only; S-1-18-1, S-1-5-21-4-5-6-1200, and -1201 that is not enabled; 2001 of the resource domain
 * S-1-5-21-7-8-9. */
static const char everything[] =
    HEADERS "000002000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
            "000000000a000a0004000200100010000800020000000000000000000000000000000000000000000000000004000400"
            "0c0002000000000056040000010200000300000010000200000000000000000000000000000000000000000006000800"
            "1400020008000a00180002001c0002000000000000000000000000000000000000000000000000000000000000000000"
            "0000000000000000030000002000020024000200010000002800020005000000000000000500000061006c0069006300"
            "6500000008000000000000000800000041006c00690063006500200041002e0002000000000000000200000048003a00"
            "030000000102000007000000510400000700000052040000100000000400000000000000030000004400430031000000"
            "050000000000000004000000530049005400450004000000010400000000000515000000010000000200000003000000"
            "030000002c00020007000000300002000700000034000200000000000100000001010000000000120100000005000000"
            "010500000000000515000000040000000500000006000000b00400000500000001050000000000051500000004000000"
            "0500000006000000b10400000400000001040000000000051500000007000000080000000900000001000000d1070000"
            "07000020";

/* The same user without a name, without any group but the primary one. */
static const char least[] =
    HEADERS "000002000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
            "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
            "000000000000000056040000010200000000000004000200000000000000000000000000000000000000000000000000"
            "000000000000000000000000080002000000000000000000000000000000000000000000000000000000000000000000"
            "0000000000000000000000000c0002000000000000000000000000000000000004000000010400000000000515000000"
            "01000000020000000300000000000000";

static size_t bytes_of(const char *hex, unsigned char bytes[ROOM])
{
    size_t length = 0;

    assert_true(hex_decode(hex, bytes, ROOM, &length));
    return length;
}

static char *text_of(const struct sid *sid)
{
    struct text text = { 0 };

    text_format(&text, "S-%u-%u", sid->bytes[0], sid->bytes[7]);
    for (size_t i = SID_HEAD; i < sid->length; i += 4)
        text_format(&text, "-%u", sid->bytes[i] | (uint32_t)sid->bytes[i + 1] << 8);
    return text.bytes;
}

static void expect_sids(const char *hex, const char *const *wanted)
{
    unsigned char bytes[ROOM];
    size_t length = bytes_of(hex, bytes), count = 0;
    struct membership membership = { 0 };
    struct error err = { 0 };

    if (!pac_read(bytes, length, &membership, &err))
        fail_msg("%s", err.message);
    while (wanted[count])
        count++;
    assert_int_equal(membership.count, count);
    for (size_t i = 0; i < count; i++) {
        char *text = text_of(&membership.sids[i]);

        assert_string_equal(text, wanted[i]);
        free(text);
    }
    membership_release(&membership);
}

static void user_groups_and_extra_sids_that_are_enabled_count(void **state)
{
    (void)state;
    expect_sids(everything, (const char *[]){ "S-1-5-21-1-2-3-1110", "S-1-5-21-1-2-3-513",
                                              "S-1-5-21-1-2-3-513", "S-1-5-21-1-2-3-1105", "S-1-18-1",
                                              "S-1-5-21-4-5-6-1200", "S-1-5-21-7-8-9-2001", NULL });
    expect_sids(least, (const char *[]){ "S-1-5-21-1-2-3-1110", "S-1-5-21-1-2-3-513", NULL });
}

static void logon_information_that_ends_early_is_refused(void **state)
{
    unsigned char bytes[ROOM];
    size_t length = bytes_of(everything, bytes);

    (void)state;
    for (size_t cut = 0; cut < length; cut++) {
        unsigned char *part = malloc(cut ? cut : 1); /* so that a byte too far is seen */
        struct membership membership = { 0 };
        struct error err = { 0 };

        memcpy(part, bytes, cut);
        assert_false(pac_read(part, cut, &membership, &err));
        assert_true(*err.message);
        assert_null(membership.sids);
        free(part);
    }
}

/* Counts that promise more than there is, one after the other. */
static void counts_that_contradict_each_other_are_refused(void **state)
{
    static const struct {
        const char *was, *is;
    } cases[] = {
        { "030000000102000007000000", "ffffff7f0102000007000000" },                     /* groups there */
        { "0300000010000200", "ffffffff10000200" },                                     /* groups said */
        { "0300000020000200", "0200000020000200" },                                     /* extra SIDs said */
        { "0500000001050000000000051500000004", "0500000001040000000000051500000004" }, /* parts of a SID */
        { "0500000001050000000000051500000004", "ff00000001ff0000000000051500000004" },
        { "08000000000000000800000041", "08000000000000000800008041" }, /* length of a name */
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char *hex = duplicate(everything), *place = strstr(hex, cases[i].was);
        unsigned char bytes[ROOM];
        struct membership membership = { 0 };
        struct error err = { 0 };
        size_t length;

        assert_non_null(place);
        memcpy(place, cases[i].is, strlen(cases[i].is));
        length = bytes_of(hex, bytes);
        if (pac_read(bytes, length, &membership, &err))
            fail_msg("%s was taken", cases[i].is);
        free(hex);
    }
}

static void logon_information_of_another_encoding_is_refused(void **state)
{
    unsigned char bytes[ROOM];
    size_t length = bytes_of(everything, bytes);
    struct membership membership = { 0 };
    struct error err = { 0 };

    (void)state;
    bytes[1] = 0; /* big-endian */
    assert_false(pac_read(bytes, length, &membership, &err));
    assert_non_null(strstr(err.message, "MS-RPCE"));
}

/* ---- SPNEGO ------------------------------------------------------------------------------------------ */

/* KRB_AP_REQ with an empty ticket and an empty authenticator. */
#define AP_REQUEST                                                                                           \
    "6e1b"                                                                                                   \
    "3019"                                                                                                   \
    "a003020105"                                                                                             \
    "a10302010e"                                                                                             \
    "a20703050020000000"                                                                                     \
    "a3026100"                                                                                               \
    "a400"
#define TICKET   "6100"
#define KERBEROS "06092a864886f712010202"
#define MISSPELT "06092a864882f712010202"
#define NTLM     "060a2b06010401823702020a"
#define SPNEGO   "06062b0601050502"
#define INNER    "602a" KERBEROS "0100" AP_REQUEST

static bool read_token(const char *hex, struct negotiation *negotiation, unsigned char bytes[ROOM],
                       struct error *err)
{
    return negotiation_read(bytes, bytes_of(hex, bytes), negotiation, err);
}

static void expect_span(const struct span *span, const char *hex)
{
    struct text text = { 0 };

    hex_append(&text, span->bytes, span->length);
    assert_string_equal(text_value(&text), hex);
    text_release(&text);
}

static void the_ticket_is_found_in_spnego_and_alone(void **state)
{
    static const struct {
        const char *token, *mechanism;
    } cases[] = {
        { "604b" SPNEGO "a041"
          "303f"
          "a00d"
          "300b" KERBEROS "a22e"
          "042c" INNER,
          "2a864886f712010202" },
        { "6056" SPNEGO "a04c"
          "304a"
          "a018"
          "3016" MISSPELT KERBEROS "a22e"
          "042c" INNER,
          "2a864882f712010202" },
        { INNER, "" },
        { "60812a" KERBEROS "0100" AP_REQUEST, "" }, /* a longer form of the length */
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct negotiation negotiation;
        unsigned char bytes[ROOM];
        struct error err = { 0 };

        if (!read_token(cases[i].token, &negotiation, bytes, &err))
            fail_msg("%zu: %s", i, err.message);
        expect_span(&negotiation.request, AP_REQUEST);
        expect_span(&negotiation.ticket, TICKET);
        expect_span(&negotiation.mechanism, cases[i].mechanism);
    }
}

static void other_tokens_are_refused(void **state)
{
    static const struct {
        const char *token, *why;
    } cases[] = {
        { "", "RFC 2743" },
        { "60", "RFC 2743" },
        { "6080", "RFC 2743" },           /* indefinite length */
        { "6085ffffffffff", "RFC 2743" }, /* longer than can be */
        { "6084ffffffff", "RFC 2743" },
        { "600c" NTLM, "neither" },
        { "602a" KERBEROS "0200" AP_REQUEST, "no KRB_AP_REQ" },
        { "600d" KERBEROS "0100", "holds no ticket" },
        { "604c" SPNEGO "a042"
          "3040"
          "a00e"
          "300c" NTLM "a22e"
          "042c" INNER,
          "not Kerberos" },
        { "601b" SPNEGO "a011"
          "300f"
          "a00d"
          "300b" KERBEROS,
          "missing" },
        { "a10330010a", "RFC 2743" }, /* NegTokenResp */
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct negotiation negotiation;
        unsigned char bytes[ROOM];
        struct error err = { 0 };

        assert_false(read_token(cases[i].token, &negotiation, bytes, &err));
        if (!strstr(err.message, cases[i].why))
            fail_msg("%zu: %s", i, err.message);
    }
}

static void the_answer_names_the_client_s_mechanism(void **state)
{
    static const unsigned char misspelt[] = { 0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2 };
    const struct negotiation in_spnego = { .mechanism = { misspelt, sizeof(misspelt) } }, alone = { 0 };
    unsigned char reply[200] = { 0x6f };
    struct text token = { 0 }, hex = { 0 };

    (void)state;
    negotiation_answer(&in_spnego, "o", 1, &token);
    hex_append(&hex, token.bytes, token.length);
    assert_string_equal(hex.bytes, "a1283026"
                                   "a0030a0100"
                                   "a10b" MISSPELT "a212"
                                   "0410"
                                   "600e" KERBEROS "0200"
                                   "6f");
    text_release(&token);
    text_release(&hex);
    negotiation_answer(&in_spnego, NULL, 0, &token);
    hex_append(&hex, token.bytes, token.length);
    assert_string_equal(hex.bytes, "a1143012"
                                   "a0030a0100"
                                   "a10b" MISSPELT);
    text_release(&token);
    text_release(&hex);
    negotiation_answer(&alone, reply, sizeof(reply), &token);
    assert_memory_equal(token.bytes, "\x60\x81\xd5", 3); /* 11 + 2 + 200 */
    assert_int_equal(token.length, 3 + 0xd5);
    text_release(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_groups_and_extra_sids_that_are_enabled_count),
        cmocka_unit_test(logon_information_that_ends_early_is_refused),
        cmocka_unit_test(counts_that_contradict_each_other_are_refused),
        cmocka_unit_test(logon_information_of_another_encoding_is_refused),
        cmocka_unit_test(the_ticket_is_found_in_spnego_and_alone),
        cmocka_unit_test(other_tokens_are_refused),
        cmocka_unit_test(the_answer_names_the_client_s_mechanism),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
