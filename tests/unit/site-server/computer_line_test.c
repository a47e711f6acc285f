/* Spec 10: what a line of an import file may say. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "control/computer_line.h"

#define GOOD "pc1,pc1.example.com,12345678-9ABC-DEF0-1234-56789ABCDEF0"
/* Base64 of "P@ssw0rd" and "Qw3rty!!" */
#define PASSWORD_1 "UEBzc3cwcmQ="
#define PASSWORD_2 "UXczcnR5ISE="

struct line_source {
    const char *text;
};

static ssize_t read_all(void *context, char *buffer, size_t size)
{
    struct line_source *source = context;
    size_t length = strlen(source->text);

    assert_true(length < size);
    memcpy(buffer, source->text, length);
    source->text += length;
    return (ssize_t)length;
}

static bool read_text(const char *text, struct computer_line *line, struct error *err)
{
    struct line_source source = { text };
    struct csv_reader reader;
    struct csv_record record;
    bool read;

    csv_open(&reader, read_all, &source);
    assert_int_equal(csv_next(&reader, &record, err), CSV_RECORD);
    read = computer_line_read(&record, line, err);
    csv_record_wipe(&record);
    csv_close(&reader);
    return read;
}

static void a_full_line_gives_every_field(void **state)
{
    struct computer_line line;
    struct error err = { 0 };
    char uuid[UUID_TEXT_SIZE];

    (void)state;
    assert_true(
        read_text("PC1,PC1.Example.Com,{12345678-9ABC-DEF0-1234-56789ABCDEF0},00-1B-21-0A-0B-0C," PASSWORD_1
                  "," PASSWORD_2,
                  &line, &err));
    assert_string_equal(line.short_name, "PC1");
    assert_string_equal(line.fqdn, "pc1.example.com");
    assert_string_equal(uuid_text(&line.uuid, uuid), "12345678-9abc-def0-1234-56789abcdef0");
    assert_string_equal(line.mac, "00:1b:21:0a:0b:0c");
    assert_string_equal(secret_reveal(line.mebx_password), "P@ssw0rd");
    assert_string_equal(secret_reveal(line.admin_password), "Qw3rty!!");
    computer_line_clear(&line);
}

static void what_is_left_out_is_not_known(void **state)
{
    static const char *const lines[] = { GOOD, GOOD ",", GOOD ",,", GOOD ",,," };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct computer_line line;
        struct error err = { 0 };

        assert_true(read_text(lines[i], &line, &err));
        assert_string_equal(line.mac, "");
        assert_null(line.mebx_password);
        assert_null(line.admin_password);
    }
}

static void every_usual_form_of_a_mac_address_is_taken(void **state)
{
    static const char *const forms[] = { "001B210A0B0C", "00:1b:21:0a:0b:0c", "00-1B-21-0A-0B-0C",
                                         "001b.210a.0b0c" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct computer_line line;
        struct error err = { 0 };
        char text[128];

        snprintf(text, sizeof(text), "%s,%s", GOOD, forms[i]);
        assert_true(read_text(text, &line, &err));
        assert_string_equal(line.mac, "00:1b:21:0a:0b:0c");
    }
}

static void a_wrong_field_is_refused_with_its_reason(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        { "pc1,pc1.example.com", "2 fields" },
        { "pc1;pc1.example.com;12345678-9abc-def0-1234-56789abcdef0", "1 fields, separated by commas" },
        { GOOD ",,,,x", "7 fields" },
        { ",pc1.example.com,12345678-9abc-def0-1234-56789abcdef0", "short name is empty" },
        { "pc_1,pc1.example.com,12345678-9abc-def0-1234-56789abcdef0", "label 'pc_1'" },
        { "pc1,,12345678-9abc-def0-1234-56789abcdef0", "the FQDN is empty" },
        { "pc1,pc1,12345678-9abc-def0-1234-56789abcdef0", "has no domain" },
        { "pc1,pc1..com,12345678-9abc-def0-1234-56789abcdef0", "empty label" },
        { "pc1,pc1.example.com.,12345678-9abc-def0-1234-56789abcdef0", "empty label" },
        { "pc1,-pc1.example.com,12345678-9abc-def0-1234-56789abcdef0", "begins or ends with a hyphen" },
        { "pc1,pc1.ex mple.com,12345678-9abc-def0-1234-56789abcdef0", "label 'ex mple'" },
        { "pc1,p\xC3\xA4.example.com,12345678-9abc-def0-1234-56789abcdef0", "other than letters" },
        { "pc1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com,12345678-9abc-def0-1234-"
          "56789abcdef0",
          "64 characters" },
        { "pc1,pc1.example.com,12345678-9abc-def0-1234-56789abcdef", "is no UUID" },
        { "pc1,pc1.example.com,", "is no UUID" },
        { "pc1,pc1.example.com,00000000-0000-0000-0000-000000000000", "unfinished boards" },
        { "pc1,pc1.example.com,FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "unfinished boards" },
        { "pc1,pc1.example.com,03000200-0400-0500-0006-000700080009", "unfinished boards" },
        { GOOD ",00:1b:21:0a:0b", "is no MAC address" },
        { GOOD ",00:1b:21:0a:0b:0c:0d", "is no MAC address" },
        { GOOD ",00:1b:21:0a:0b:0g", "is no MAC address" },
        { GOOD ",01:1b:21:0a:0b:0c", "group address" },
        { GOOD ",00:00:00:00:00:00", "all zeros" },
        { GOOD ",,P@ssw0rd", "MEBx password is no Base64" },
        { GOOD ",,,=UEBz", "admin password is no Base64" },
        { GOOD ",,YWRtaW4=", "MEBx password: the password has 5 characters" },
        { GOOD ",,,cGFzc3dvcmQx", "admin password: the password lacks" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct computer_line line = { 0 };
        struct error err = { 0 };

        assert_false(read_text(cases[i].text, &line, &err));
        if (!strstr(err.message, cases[i].reason))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, err.message, cases[i].reason);
        assert_null(line.mebx_password);
    }
}

static void an_error_never_repeats_a_password(void **state)
{
    struct computer_line line = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_false(read_text(GOOD ",,cGFzc3dvcmQx", &line, &err));
    assert_null(strstr(err.message, "password1"));
    assert_null(strstr(err.message, "cGFzc3dvcmQx"));
    assert_false(read_text(GOOD ",,P@ssw0rd", &line, &err));
    assert_null(strstr(err.message, "P@ssw0rd"));
}

static void a_header_line_is_told_from_a_computer(void **state)
{
    char name[] = "pc1", title[] = "SMBIOS_UUID", uuid[] = "12345678-9abc-def0-1234-56789abcdef0",
         bad[] = "1234";
    struct csv_record header = { .fields = { name, name, title }, .field_count = 3 };
    struct csv_record computer = { .fields = { name, name, uuid }, .field_count = 3 };
    struct csv_record broken = { .fields = { name, name, bad }, .field_count = 3 };

    (void)state;
    assert_true(computer_line_is_header(&header));
    assert_false(computer_line_is_header(&computer));
    assert_false(computer_line_is_header(&broken));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_line_gives_every_field),
        cmocka_unit_test(what_is_left_out_is_not_known),
        cmocka_unit_test(every_usual_form_of_a_mac_address_is_taken),
        cmocka_unit_test(a_wrong_field_is_refused_with_its_reason),
        cmocka_unit_test(an_error_never_repeats_a_password),
        cmocka_unit_test(a_header_line_is_told_from_a_computer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
