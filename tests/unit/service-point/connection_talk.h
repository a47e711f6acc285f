/*
 * connection_talk.h - a connection to a fake device, and all that is presented on both sides of it. Each
 * test, TEST(), begins with a device that knows nothing to say.
 */
#ifndef TESTS_CONNECTION_TALK_H
#define TESTS_CONNECTION_TALK_H

#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fake_device.h"
#include "firmware/wsman.h"

#define SERVER "Server: Intel(R) Active Management Technology 15.0.23.1706\r\n"
#define REALM  "Digest:0123456789ABCDEF0123456789ABCDEF"
#define CHALLENGE(nonce, stale)                                                                              \
    "HTTP/1.1 401 Unauthorized\r\n"                                                                          \
    "WWW-Authenticate: Digest realm=\"" REALM "\", nonce=\"" nonce "\",stale=\"" stale                       \
    "\",qop=\"auth\"\r\n" SERVER                                                                             \
    "Content-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhtml"
#define CHALLENGE_OF_5                                                                                       \
    "HTTP/1.1 401 Unauthorized\r\n"                                                                          \
    "WWW-Authenticate: Digest realm=\"" REALM "\", nonce=\"n\",stale=\"false\",qop=\"auth\"\r\n"             \
    "Server: Intel(R) Active Management Technology 5.2.40\r\n"                                               \
    "Content-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhtml"
#define ENVELOPE(namespaces, body)                                                                           \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope "                                                 \
    "xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\""                                                    \
    " xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" " namespaces "><a:Header>"                \
    "<b:Action a:mustUnderstand=\"true\">x</b:Action></a:Header><a:Body>" body "</a:Body></a:Envelope>"
#define GENERAL                                                                                              \
    ENVELOPE("xmlns:g=\"http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings\"",                   \
             "<g:AMT_GeneralSettings><g:DigestRealm>" REALM "</g:DigestRealm><g:HostName>pc17</g:HostName>"  \
             "<g:NewThing><g:Inner/></g:NewThing></g:AMT_GeneralSettings>")
#define COMMITTED                                                                                            \
    ENVELOPE("xmlns:g=\"http://intel.com/wbem/wscim/1/amt-schema/1/AMT_SetupAndConfigurationService\"",      \
             "<g:CommitChanges_OUTPUT><g:ReturnValue>0</g:ReturnValue></g:CommitChanges_OUTPUT>")
#define FAULT(subcode, detail)                                                                               \
    ENVELOPE("xmlns:e=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"",                                   \
             "<a:Fault><a:Code><a:Value>a:Sender</a:Value><a:Subcode><a:Value>" subcode                      \
             "</a:Value></a:Subcode></a:Code><a:Reason><a:Text xml:lang=\"en-US\">Because.</a:Text>"         \
             "</a:Reason><a:Detail>" detail "</a:Detail></a:Fault>")

static struct identity root, issuer, leaf, authority, device_identity, other_identity, operational;
static struct trust *trust;
static char directory[] = "/tmp/connection_test.XXXXXX";
static char answer_general[4096], answer_committed[4096], answer_absent[4096], answer_status[4096],
    answer_chunked[8192];

static void http_make(char *out, size_t size, const char *status, const char *body)
{
    snprintf(out, size,
             "HTTP/1.1 %s\r\n" SERVER
             "Content-Type: application/soap+xml; charset=UTF-8\r\nContent-Length: %zu\r\n%s\r\n%s",
             status, strlen(body), strncmp(status, "200", 3) == 0 ? "" : "Connection: close\r\n", body);
}

/* Four-digit sizes, chunks that end inside a tag, as devices send them. */
static void chunked_make(char *out, size_t size, const char *body)
{
    int at =
        snprintf(out, size,
                 "HTTP/1.1 200 OK\r\n" SERVER
                 "Content-Type: application/soap+xml; charset=UTF-8\r\nTransfer-Encoding: chunked\r\n\r\n");

    for (size_t sent = 0, total = strlen(body), chunk; sent < total; sent += chunk) {
        chunk = total - sent < 0x3B ? total - sent : 0x3B;
        at += snprintf(out + at, size - (size_t)at, "%04zX\r\n%.*s\r\n", chunk, (int)chunk, body + sent);
    }
    snprintf(out + at, size - (size_t)at, "0\r\n\r\n");
}

static int make_identities(void **state)
{
    const struct identity *chain[] = { &leaf, &issuer, &root, NULL };
    char chain_path[64], key_path[64];
    struct trust_source source = { chain_path, key_path };
    struct error err = { 0 };

    (void)state;
    root = pki_make(&(struct certificate_wish){ .common_name = "Root", .authority = true });
    issuer =
        pki_make(&(struct certificate_wish){ .common_name = "Issuer", .authority = true, .issuer = &root });
    leaf = pki_make(&(struct certificate_wish){ .common_name = "ps.example.com",
                                                .purposes = "serverAuth,2.16.840.1.113741.1.2.3",
                                                .issuer = &issuer });
    authority = pki_make(&(struct certificate_wish){ .common_name = "Site CA", .authority = true });
    device_identity = pki_make(&(struct certificate_wish){ .common_name = "AMT" });
    other_identity = pki_make(&(struct certificate_wish){ .common_name = "AMT" });
    operational = pki_make(&(struct certificate_wish){
        .common_name = "pc17.example.com", .purposes = "serverAuth", .issuer = &authority });
    if (!mkdtemp(directory))
        return -1;
    snprintf(chain_path, sizeof(chain_path), "%s/chain.pem", directory);
    snprintf(key_path, sizeof(key_path), "%s/key.pem", directory);
    pki_write(chain_path, chain, NULL);
    pki_write(key_path, NULL, leaf.key);
    http_make(answer_general, sizeof(answer_general), "200 OK", GENERAL);
    http_make(answer_committed, sizeof(answer_committed), "200 OK", COMMITTED);
    http_make(answer_absent, sizeof(answer_absent), "400 Bad Request", FAULT("b:DestinationUnreachable", ""));
    http_make(answer_status, sizeof(answer_status), "400 Bad Request",
              FAULT("e:InternalError", "AMT-STATUS 38"));
    chunked_make(answer_chunked, sizeof(answer_chunked), GENERAL);
    if (!trust_load(&trust, &source, 1, (int64_t)time(NULL), &err)) {
        print_error("%s\n", err.message);
        return -1;
    }
    unlink(chain_path);
    unlink(key_path);
    rmdir(directory);
    return 0;
}

static int free_identities(void **state)
{
    (void)state;
    trust_free(&trust);
    pki_free(&root);
    pki_free(&issuer);
    pki_free(&leaf);
    pki_free(&authority);
    pki_free(&device_identity);
    pki_free(&other_identity);
    pki_free(&operational);
    return 0;
}

static struct fake_device device;
static struct connection *connection;
static struct connection_target target;
static struct error err;

static int prepare(void **state)
{
    (void)state;
    memset(&device, 0, sizeof(device));
    device.identity = &device_identity;
    err = (struct error){ 0 };
    target = (struct connection_target){
        .address = "127.0.0.1", .timeout_ms = 3000, .trust = trust, .certificate = trust_certificate(trust, 0)
    };
    return 0;
}

static inline bool open_it(void)
{
    fake_start(&device);
    target.port = device.port;
    return connection_open(&connection, &target, &err);
}

static inline void close_it(void)
{
    connection_close(&connection);
    fake_stop(&device);
}

static inline bool get_general(struct general_settings *settings)
{
    return wsman_general_settings_get(connection, settings, &err);
}

#define TEST(name) cmocka_unit_test_setup(name, prepare)

#endif
