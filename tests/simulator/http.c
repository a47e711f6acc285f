#define _GNU_SOURCE 1 /* memmem */

#include "http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { FIRST_CHUNK = 0x220, NEXT_CHUNK = 0x2FA }; /* as recorded from devices */

struct head {
    bool chunked, has_length;
    size_t body_length;
};

void http_request_release(struct http_request *request)
{
    free(request->authorization);
    text_release(&request->body);
    *request = (struct http_request){ 0 };
}

static bool read_length(const char *value, size_t *length, struct error *err)
{
    char *end;
    unsigned long number = strtoul(value, &end, 10);

    if (!isdigit((unsigned char)*value) || *end)
        return error_set(err, "RFC 2616 14.13: Content-Length is not a number");
    if (number > HTTP_BODY_LIMIT)
        return error_set(err, "body of %lu bytes, the limit is %d", number, HTTP_BODY_LIMIT);
    *length = number;
    return true;
}

static bool read_header(const char *line, struct head *head, struct http_request *request, struct error *err)
{
    const char *colon = strchr(line, ':'), *value;
    size_t length;

    if (!colon)
        return error_set(err, "RFC 2616 4.2: header line without a colon");
    length = (size_t)(colon - line);
    value = colon + 1 + strspn(colon + 1, " \t");
    if (length == 14 && !strncasecmp(line, "Content-Length", length)) {
        head->has_length = true;
        return read_length(value, &head->body_length, err);
    }
    if (length == 17 && !strncasecmp(line, "Transfer-Encoding", length)) {
        if (strcasecmp(value, "chunked"))
            return error_set(err, "RFC 2616 14.41: transfer coding other than chunked");
        head->chunked = true;
    } else if (length == 13 && !strncasecmp(line, "Authorization", length)) {
        replace_text(&request->authorization, value);
    } else if (length == 10 && !strncasecmp(line, "Connection", length)) {
        request->close = !strcasecmp(value, "close");
    }
    return true;
}

static bool read_head(char *text, struct head *head, struct http_request *request, struct error *err)
{
    char *rest = text, *line = strsep(&rest, "\n");
    char version[16];

    if (sscanf(line, "%15[A-Z] %255s HTTP/%15[0-9.]", request->method, request->path, version) != 3)
        return error_set(err, "RFC 2616 5.1: the request line is not METHOD PATH HTTP/VERSION");
    request->close = !strcmp(version, "1.0");
    while (rest && *rest) {
        line = strsep(&rest, "\n");
        line[strcspn(line, "\r")] = '\0';
        if (*line && !read_header(line, head, request, err))
            return false;
    }
    return true;
}

/* Reads chunks up to and with the last one. */
static enum http_progress read_chunks(const char *bytes, size_t length, struct text *body, size_t *used,
                                      struct error *err)
{
    size_t at = 0;

    for (;;) {
        const char *end = memchr(bytes + at, '\n', length - at);
        char digits[16], *stop;
        unsigned long size;

        if (!end)
            return length - at > 64
                       ? (error_set(err, "RFC 2616 3.6.1: chunk size line too long"), HTTP_BROKEN)
                       : HTTP_INCOMPLETE;
        snprintf(digits, sizeof(digits), "%.*s", (int)(end - (bytes + at)), bytes + at);
        size = strtoul(digits, &stop, 16);
        if (stop == digits || !strchr("\r; ", *stop) || size > HTTP_BODY_LIMIT - body->length) {
            error_set(err, "RFC 2616 3.6.1: bad chunk size, or more than %d bytes in all", HTTP_BODY_LIMIT);
            return HTTP_BROKEN;
        }
        at = (size_t)(end - bytes) + 1;
        if (length - at < size + 2)
            return HTTP_INCOMPLETE;
        text_append_bytes(body, bytes + at, size);
        at += size;
        if (memcmp(bytes + at, "\r\n", 2)) {
            error_set(err, "RFC 2616 3.6.1: no line end after a chunk");
            return HTTP_BROKEN;
        }
        at += 2;
        if (!size) {
            *used = at;
            return HTTP_COMPLETE;
        }
    }
}

enum http_progress http_request_read(const char *bytes, size_t length, struct http_request *request,
                                     size_t *used, struct error *err)
{
    struct http_request reading = { 0 };
    struct head head = { 0 };
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    enum http_progress progress = HTTP_COMPLETE;
    size_t head_length, body_used = 0;
    char *text;

    if (!end) {
        if (length <= HTTP_HEAD_LIMIT)
            return HTTP_INCOMPLETE;
        error_set(err, "request head of more than %d bytes", HTTP_HEAD_LIMIT);
        return HTTP_BROKEN;
    }
    head_length = (size_t)(end - bytes) + 4;
    text = allocate(head_length + 1);
    memcpy(text, bytes, head_length);
    if (!read_head(text, &head, &reading, err))
        progress = HTTP_BROKEN;
    free(text);
    if (progress == HTTP_COMPLETE && head.chunked) {
        progress = read_chunks(bytes + head_length, length - head_length, &reading.body, &body_used, err);
    } else if (progress == HTTP_COMPLETE) {
        body_used = head.body_length;
        if (length - head_length < body_used)
            progress = HTTP_INCOMPLETE;
        else
            text_append_bytes(&reading.body, bytes + head_length, body_used);
    }
    if (progress != HTTP_COMPLETE) {
        http_request_release(&reading);
        return progress;
    }
    *request = reading;
    *used = head_length + body_used;
    return HTTP_COMPLETE;
}

static const char *reason(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 500:
        return "Internal Server Error";
    default:
        return "Service Unavailable";
    }
}

/* RFC 4559 4.1 */
static void append_negotiated(struct text *out, const struct http_head *head)
{
    if (head->negotiated)
        text_format(out, "WWW-Authenticate: Negotiate %s\r\n", head->negotiated);
}

void http_answer_soap(struct text *out, const struct http_head *head, const struct text *body)
{
    char date[40];
    time_t now = time(NULL);
    struct tm utc;
    size_t sent = 0, chunk = FIRST_CHUNK;

    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
    text_format(out, "HTTP/1.1 %u %s\r\nDate: %s\r\nServer: %s\r\n", head->status, reason(head->status), date,
                head->server);
    append_negotiated(out, head);
    if (head->frame_options)
        text_append(out, "X-Frame-Options: DENY\r\n");
    if (head->close)
        text_append(out, "Connection: close\r\n");
    text_append(out, head->soap_1_1 ? "Content-Type: text/xml; charset=UTF-8\r\nCache-Control: no-cache\r\n"
                                      "Expires: Thu, 26 Oct 1995 00:00:00 GMT\r\n"
                                    : "Content-Type: application/soap+xml; charset=UTF-8\r\n");
    text_append(out, "Transfer-Encoding: chunked\r\n\r\n");
    while (sent < body->length) {
        size_t size = body->length - sent < chunk ? body->length - sent : chunk;

        text_format(out, "%04zX\r\n", size);
        text_append_bytes(out, body->bytes + sent, size);
        text_append(out, "\r\n");
        sent += size;
        chunk = NEXT_CHUNK;
    }
    text_append(out, "0\r\n\r\n");
}

void http_answer_html(struct text *out, const struct http_head *head, const char *extra, const char *body)
{
    text_format(out, "HTTP/1.1 %u %s\r\n", head->status, reason(head->status));
    append_negotiated(out, head);
    text_format(out, "%sContent-Type: text/html\r\nServer: %s\r\nContent-Length: %zu\r\n%s\r\n%s", extra,
                head->server, strlen(body), head->close ? "Connection: close\r\n" : "", body);
}
