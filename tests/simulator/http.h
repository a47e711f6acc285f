/*
 * http.h - HTTP/1.1 as the firmware's web server speaks it: requests read, answers written.
 *
 * Pure: bytes in, bytes out.
 */
#ifndef SIMULATOR_HTTP_H
#define SIMULATOR_HTTP_H

#include "error.h"
#include "text.h"

enum http_progress { HTTP_INCOMPLETE, HTTP_COMPLETE, HTTP_BROKEN };

enum { HTTP_HEAD_LIMIT = 64 * 1024, HTTP_BODY_LIMIT = 64 * 1024 };

struct http_request {
    char method[16], path[256];
    char *authorization; /* NULL: none; owned */
    struct text body;    /* owned, without chunk framing */
    bool close;          /* the client wants no further request on this connection */
};

/* Reads one request from the start of the bytes. Only HTTP_COMPLETE fills *request (to be released) and
 * *used. */
enum http_progress http_request_read(const char *bytes, size_t length, struct http_request *request,
                                     size_t *used, struct error *err) MUST_CHECK;
void http_request_release(struct http_request *request);

struct http_head {
    unsigned status;
    const char *server;     /* the Server header's text */
    const char *negotiated; /* token that ends a login by Negotiate; NULL: none */
    bool soap_1_1;          /* the old interface: text/xml, not to be cached */
    bool frame_options;     /* newer firmware sends X-Frame-Options */
    bool close;
};

/* SOAP: chunks with four upper-case digits, the first of 0220 bytes, the others of 02FA. */
void http_answer_soap(struct text *out, const struct http_head *head, const struct text *body);
/* HTML with Content-Length. extra: whole header lines, or "". */
void http_answer_html(struct text *out, const struct http_head *head, const char *extra, const char *body);

#endif
