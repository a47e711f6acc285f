/*
 * web_client.h - people and their tools at a computer's own web server: WS-Management by curl.
 *
 * Any computer is talked to, whatever TLS it speaks and whoever signed its certificate: who is let in is what
 * counts here.
 */
#ifndef TESTS_SUPPORT_WEB_CLIENT_H
#define TESTS_SUPPORT_WEB_CLIENT_H

#include "common/error.h"

struct web_target {
    const char *fqdn, *address;
    unsigned port;              /* 16992: without TLS */
    const char *openssl_config; /* as web_client_prepare() wrote it */
    const char *path;           /* NULL: /wsman */
};

struct web_answer { /* zero-initialise */
    int status;
    char *text; /* head and body */
};

/* Writes the configuration of OpenSSL that curl needs for the TLS of AMT before 12.0. */
bool web_client_prepare(const char *openssl_config, struct error *err) MUST_CHECK;

/* POST. cache: file of the user's tickets, NULL: none. words: options of curl, NULL-terminated. */
bool web_post(const struct web_target *target, const char *cache, const char *const *words, const char *body,
              struct web_answer *answer, struct error *err) MUST_CHECK;
void web_answer_clear(struct web_answer *answer);

/* A whole request; class without its schema, one of AMT's. The caller frees. */
char *wsman_request(const char *action, const char *class, const char *selectors, const char *body);
/* As `curl --negotiate` reads an instance: with a ticket for HTTP/host. */
bool web_read_by_ticket(const struct web_target *target, const char *cache, const char *class, int *status,
                        struct error *err) MUST_CHECK;
/* The same with a ticket for HTTP/host:port of that realm, and proof that the computer has its key too. */
bool web_read_by_name(const struct web_target *target, const char *cache, const char *realm,
                      const char *class, int *status, struct error *err) MUST_CHECK;

#define AMT_SCHEMA     "http://intel.com/wbem/wscim/1/amt-schema/1/"
#define WSMAN_TRANSFER "http://schemas.xmlsoap.org/ws/2004/09/transfer/"

#endif
