/* HTTP as the firmware's web server reads and writes it. */
#include "../../simulator/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static enum http_progress read_text(const char *text, struct http_request *request, size_t *used)
{
    struct error err = { 0 };

    return http_request_read(text, strlen(text), request, used, &err);
}

static void a_request_is_complete_only_with_its_last_byte(void **state)
{
    static const char text[] =
        "POST /wsman HTTP/1.1\r\nHost: x\r\nAuthorization: Digest a=b\r\nContent-Length: 4\r\n\r\n"
        "abcd";
    struct http_request request;
    struct error err;
    size_t used;

    (void)state;
    for (size_t length = 0; length < strlen(text); length++)
        assert_int_equal(http_request_read(text, length, &request, &used, &err), HTTP_INCOMPLETE);
    assert_int_equal(read_text(text, &request, &used), HTTP_COMPLETE);
    assert_int_equal(used, strlen(text));
    assert_string_equal(request.method, "POST");
    assert_string_equal(request.path, "/wsman");
    assert_string_equal(request.authorization, "Digest a=b");
    assert_string_equal(request.body.bytes, "abcd");
    assert_false(request.close);
    http_request_release(&request);
}

static void chunks_are_put_together(void **state)
{
    static const char text[] = "POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "0004\r\nabcd\r\n2;x=y\r\nef\r\n0\r\n\r\n";
    struct http_request request;
    size_t used;

    (void)state;
    assert_int_equal(read_text(text, &request, &used), HTTP_COMPLETE);
    assert_int_equal(used, strlen(text));
    assert_string_equal(request.body.bytes, "abcdef");
    http_request_release(&request);
}

static void what_is_not_http_is_refused(void **state)
{
    static const char *const bad[] = {
        "nonsense\r\n\r\n",
        "POST /wsman HTTP/1.1\r\nContent-Length: -4\r\n\r\n",
        "POST /wsman HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        "POST /wsman HTTP/1.1\r\nno colon\r\n\r\n",
        "POST /wsman HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    };
    struct http_request request;
    size_t used;

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_int_equal(read_text(bad[i], &request, &used), HTTP_BROKEN);
}

static void an_answer_comes_in_chunks_of_the_recorded_sizes(void **state)
{
    const struct http_head head = { .status = 200, .server = "AMT" };
    struct text body = { 0 }, out = { 0 };
    const char *chunk;

    (void)state;
    for (unsigned i = 0; i < 0x220 + 0x2FA + 5; i++)
        text_append(&body, "x");
    http_answer_soap(&out, &head, &body);
    chunk = strstr(out.bytes, "\r\n\r\n") + 4;
    assert_memory_equal(chunk, "0220\r\n", 6);
    chunk += 6 + 0x220 + 2;
    assert_memory_equal(chunk, "02FA\r\n", 6);
    chunk += 6 + 0x2FA + 2;
    assert_string_equal(chunk, "0005\r\nxxxxx\r\n0\r\n\r\n");
    assert_null(strstr(out.bytes, "Connection:"));
    text_release(&out);
    text_release(&body);
}

static void an_answer_of_the_old_interface_is_text_and_not_to_be_cached(void **state)
{
    const struct http_head head = { .status = 200, .server = "AMT", .soap_1_1 = true };
    struct text body = { 0 }, out = { 0 };

    (void)state;
    text_append(&body, "<x/>");
    http_answer_soap(&out, &head, &body);
    assert_non_null(strstr(out.bytes,
                           "\r\nContent-Type: text/xml; charset=UTF-8\r\nCache-Control: no-cache\r\n"
                           "Expires: Thu, 26 Oct 1995 00:00:00 GMT\r\nTransfer-Encoding: chunked\r\n"
                           "\r\n0004\r\n<x/>\r\n0\r\n\r\n"));
    text_release(&out);
    text_release(&body);
}

static void an_html_answer_has_a_length_and_closes(void **state)
{
    const struct http_head head = { .status = 401, .server = "AMT", .close = true };
    struct text out = { 0 };

    (void)state;
    http_answer_html(&out, &head, "WWW-Authenticate: Digest\r\n", "<html/>");
    assert_string_equal(out.bytes, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest\r\n"
                                   "Content-Type: text/html\r\nServer: AMT\r\nContent-Length: 7\r\n"
                                   "Connection: close\r\n\r\n<html/>");
    text_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_complete_only_with_its_last_byte),
        cmocka_unit_test(chunks_are_put_together),
        cmocka_unit_test(what_is_not_http_is_refused),
        cmocka_unit_test(an_answer_comes_in_chunks_of_the_recorded_sizes),
        cmocka_unit_test(an_answer_of_the_old_interface_is_text_and_not_to_be_cached),
        cmocka_unit_test(an_html_answer_has_a_length_and_closes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
