/*
 * cmp-authority: a certificate authority that is asked with CMP, for tests: libcrypto's server side behind
 * HTTP, with a key that signs what is asked for. It believes the names of a request, as an authority believes
 * its registration authority.
 *
 *   cmp-authority DIRECTORY [PORT]
 *
 * DIRECTORY holds ca.pem and ca.key, and the shared secret in `secret`. The file `mode`, read with every
 * request, says what is done: "grant", "wait SECONDS" or "refuse BIT TEXT". What was asked is appended to
 * `log`, a line each: "p10cr NAME", "kur NAME", "rr SERIAL". The line "listening on PORT" says that it is
 * ready; SIGTERM ends it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/bn.h>
#include <openssl/cmp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S          86400
#define REQUEST_MAX    65536
#define LINE_SIZE      256
#define PUBLIC_KEY_TAG 6 /* RFC 4211 5: CertTemplate.publicKey */

struct transaction { /* RFC 4210 5.1.1: one for each transactionID */
    ASN1_OCTET_STRING *id;
    OSSL_CMP_SRV_CTX *server;
    OSSL_CMP_MSG *held; /* the request, while the requester is made to wait */
    struct transaction *next;
};

static struct {
    const char *directory;
    EVP_PKEY *key;
    X509 *certificate;
    unsigned char secret[LINE_SIZE];
    size_t secret_length;
    struct transaction *transactions;
} authority;

static void die(const char *what)
{
    fprintf(stderr, "cmp-authority: %s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stderr);
    exit(EXIT_FAILURE);
}

static FILE *open_file(const char *name, const char *how)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", authority.directory, name);
    return fopen(path, how);
}

static void read_line(const char *name, char line[LINE_SIZE])
{
    FILE *file = open_file(name, "r");

    if (!file || !fgets(line, LINE_SIZE, file))
        die(name);
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
}

static void note(const char *kind, const char *what)
{
    FILE *file = open_file("log", "a");

    if (!file)
        die("log");
    fprintf(file, "%s %s\n", kind, what);
    fclose(file);
}

/* ---- issuing ---- */

struct wish { /* borrowed from the request */
    const X509_NAME *subject;
    EVP_PKEY *key; /* ours */
    const STACK_OF(X509_EXTENSION) * extensions;
};

/* libcrypto 3.0 does not give a template's key out, so it is found in the template's DER. */
static EVP_PKEY *template_key(const OSSL_CRMF_CERTTEMPLATE *template)
{
    unsigned char *der = NULL;
    int length = i2d_OSSL_CRMF_CERTTEMPLATE(template, &der);
    const unsigned char *at = der, *end = der + (length > 0 ? length : 0);
    EVP_PKEY *key = NULL;
    long content;
    int tag, class;

    if (length > 0 && !(ASN1_get_object(&at, &content, &tag, &class, length) & 0x80)) {
        while (at < end) {
            unsigned char *element = (unsigned char *)at;

            if (ASN1_get_object(&at, &content, &tag, &class, end - at) & 0x80)
                break;
            at += content;
            if (tag != PUBLIC_KEY_TAG)
                continue;
            *element = V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED; /* its tag is implicit */
            key = d2i_PUBKEY(NULL, &(const unsigned char *){ element }, at - element);
            break;
        }
    }
    OPENSSL_free(der);
    return key;
}

static bool add_extension(X509 *certificate, int kind, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool added;

    X509V3_set_ctx(&context, authority.certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static X509 *issue(const struct wish *wish)
{
    X509 *certificate = X509_new();
    BIGNUM *serial = BN_new();
    bool made = BN_rand(serial, 64, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) &&
                X509_set_version(certificate, X509_VERSION_3) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(certificate), -60) &&
                X509_gmtime_adj(X509_getm_notAfter(certificate), 90L * DAY_S) &&
                X509_set_subject_name(certificate, wish->subject) == 1 &&
                X509_set_issuer_name(certificate, X509_get_subject_name(authority.certificate)) == 1 &&
                X509_set_pubkey(certificate, wish->key) == 1 &&
                add_extension(certificate, NID_authority_key_identifier, "keyid") &&
                add_extension(certificate, NID_subject_key_identifier, "hash");

    for (int i = 0; made && i < sk_X509_EXTENSION_num(wish->extensions); i++)
        made = X509_add_ext(certificate, sk_X509_EXTENSION_value(wish->extensions, i), -1) == 1;
    if (!made || X509_sign(certificate, authority.key, EVP_sha256()) <= 0)
        die("cannot issue");
    BN_free(serial);
    return certificate;
}

static const char *kind_name(const OSSL_CMP_MSG *request)
{
    switch (OSSL_CMP_MSG_get_bodytype(request)) {
    case OSSL_CMP_IR:
        return "ir";
    case OSSL_CMP_CR:
        return "cr";
    case OSSL_CMP_KUR:
        return "kur";
    default:
        return "p10cr";
    }
}

static OSSL_CMP_PKISI *grant(const OSSL_CMP_MSG *request, const OSSL_CRMF_MSG *template, const X509_REQ *p10,
                             X509 **certificate)
{
    struct wish wish = { 0 };
    STACK_OF(X509_EXTENSION) *own = NULL;
    char name[LINE_SIZE] = "";

    if (p10) {
        wish.subject = X509_REQ_get_subject_name(p10);
        wish.key = X509_REQ_get_pubkey((X509_REQ *)p10);
        wish.extensions = own = X509_REQ_get_extensions((X509_REQ *)p10);
        if (X509_REQ_verify((X509_REQ *)p10, wish.key) != 1)
            return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_rejection, 1 << OSSL_CMP_PKIFAILUREINFO_badPOP,
                                           "not signed by its key");
    } else {
        const OSSL_CRMF_CERTTEMPLATE *asked = OSSL_CRMF_MSG_get0_tmpl(template);

        wish.subject = OSSL_CRMF_CERTTEMPLATE_get0_subject(asked);
        wish.key = template_key(asked);
        wish.extensions = OSSL_CRMF_CERTTEMPLATE_get0_extensions(asked);
    }
    X509_NAME_get_text_by_NID((X509_NAME *)wish.subject, NID_commonName, name, sizeof(name));
    note(kind_name(request), name);
    *certificate = issue(&wish);
    EVP_PKEY_free(wish.key);
    sk_X509_EXTENSION_pop_free(own, X509_EXTENSION_free);
    return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0, NULL);
}

/* ---- what libcrypto's server asks ---- */

static OSSL_CMP_PKISI *certificate_wanted(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, int id,
                                          const OSSL_CRMF_MSG *template, const X509_REQ *p10,
                                          X509 **certificate, STACK_OF(X509) * *chain,
                                          STACK_OF(X509) * *authorities)
{
    struct transaction *transaction = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);
    char mode[LINE_SIZE];
    int bit, used = 0;

    (void)id;
    *certificate = NULL;
    *chain = *authorities = NULL;
    read_line("mode", mode);
    if (sscanf(mode, "refuse %d %n", &bit, &used) == 1)
        return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_rejection, 1 << bit, mode + used);
    if (strncmp(mode, "wait", 4) == 0) {
        if (!transaction->held)
            transaction->held = OSSL_CMP_MSG_dup(request);
        return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_waiting, 0, NULL);
    }
    return grant(request, template, p10, certificate);
}

static int asked_again(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, int id, OSSL_CMP_MSG **held,
                       int64_t *check_after)
{
    struct transaction *transaction = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);
    char mode[LINE_SIZE];
    long seconds;

    (void)request;
    (void)id;
    *held = NULL;
    *check_after = 0;
    read_line("mode", mode);
    if (sscanf(mode, "wait %ld", &seconds) == 1) {
        *check_after = seconds;
        return 1;
    }
    *held = transaction->held;
    transaction->held = NULL;
    return *held != NULL;
}

static OSSL_CMP_PKISI *revocation_wanted(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request,
                                         const X509_NAME *issuer, const ASN1_INTEGER *serial)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
    char *text = BN_bn2hex(number);
    char mode[LINE_SIZE];
    int bit, used = 0;

    (void)server;
    (void)request;
    (void)issuer;
    read_line("mode", mode);
    if (sscanf(mode, "refuse %d %n", &bit, &used) != 1)
        note("rr", text);
    OPENSSL_free(text);
    BN_free(number);
    if (used)
        return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_rejection, 1 << bit, mode + used);
    return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0, NULL);
}

static int confirmed(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, int id,
                     const ASN1_OCTET_STRING *hash, const OSSL_CMP_PKISI *status)
{
    (void)server, (void)request, (void)id, (void)hash, (void)status;
    return 1;
}

static void failed(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, const OSSL_CMP_PKISI *status,
                   const ASN1_INTEGER *code, const OSSL_CMP_PKIFREETEXT *details)
{
    (void)server, (void)request, (void)status, (void)code, (void)details;
}

static int general(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, const STACK_OF(OSSL_CMP_ITAV) * in,
                   STACK_OF(OSSL_CMP_ITAV) * *out)
{
    (void)server, (void)request, (void)in;
    *out = NULL;
    return 1;
}

/* ---- transactions ---- */

static OSSL_CMP_SRV_CTX *open_server(struct transaction *transaction)
{
    OSSL_CMP_SRV_CTX *server = OSSL_CMP_SRV_CTX_new(NULL, NULL);
    OSSL_CMP_CTX *context = server ? OSSL_CMP_SRV_CTX_get0_cmp_ctx(server) : NULL;

    if (!context ||
        OSSL_CMP_SRV_CTX_init(server, transaction, certificate_wanted, revocation_wanted, general, failed,
                              confirmed, asked_again) != 1 ||
        OSSL_CMP_SRV_CTX_set_accept_raverified(server, 1) != 1 ||
        OSSL_CMP_CTX_set1_cert(context, authority.certificate) != 1 ||
        OSSL_CMP_CTX_set1_referenceValue(context, (const unsigned char *)"site", 4) != 1 ||
        OSSL_CMP_CTX_set1_secretValue(context, authority.secret, (int)authority.secret_length) != 1)
        die("cannot open a transaction");
    return server;
}

static struct transaction *transaction_of(const OSSL_CMP_MSG *request)
{
    const ASN1_OCTET_STRING *id = OSSL_CMP_HDR_get0_transactionID(OSSL_CMP_MSG_get0_header(request));
    struct transaction *transaction;

    for (transaction = authority.transactions; transaction; transaction = transaction->next) {
        if (id && ASN1_OCTET_STRING_cmp(transaction->id, id) == 0)
            return transaction;
    }
    transaction = calloc(1, sizeof(*transaction));
    if (!transaction || !id)
        die("no transaction");
    transaction->id = ASN1_OCTET_STRING_dup(id);
    transaction->server = open_server(transaction);
    transaction->next = authority.transactions;
    authority.transactions = transaction;
    return transaction;
}

/* ---- HTTP ---- */

struct upload {
    unsigned char bytes[REQUEST_MAX];
    size_t length;
};

static enum MHD_Result respond(struct MHD_Connection *connection, const struct upload *upload)
{
    const unsigned char *at = upload->bytes;
    OSSL_CMP_MSG *request = d2i_OSSL_CMP_MSG(NULL, &at, (long)upload->length), *reply = NULL;
    struct MHD_Response *response;
    unsigned char *der = NULL;
    int length = 0;
    enum MHD_Result queued;

    if (request)
        reply = OSSL_CMP_SRV_process_request(transaction_of(request)->server, request);
    if (reply)
        length = i2d_OSSL_CMP_MSG(reply, &der);
    response = MHD_create_response_from_buffer(length > 0 ? (size_t)length : 0, der, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/pkixcmp");
    queued = MHD_queue_response(connection, length > 0 ? MHD_HTTP_OK : MHD_HTTP_BAD_REQUEST, response);
    MHD_destroy_response(response);
    OPENSSL_free(der);
    OSSL_CMP_MSG_free(request);
    OSSL_CMP_MSG_free(reply);
    return queued;
}

static enum MHD_Result receive(void *context, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *data, size_t *length,
                               void **state)
{
    struct upload *upload = *state;

    (void)context, (void)url, (void)method, (void)version;
    if (!upload) {
        *state = calloc(1, sizeof(*upload));
        return *state ? MHD_YES : MHD_NO;
    }
    if (*length == 0)
        return respond(connection, upload);
    if (*length > sizeof(upload->bytes) - upload->length)
        return MHD_NO;
    memcpy(upload->bytes + upload->length, data, *length);
    upload->length += *length;
    *length = 0;
    return MHD_YES;
}

static void completed(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode code)
{
    (void)context, (void)connection, (void)code;
    free(*state);
}

static void load(void)
{
    FILE *key = open_file("ca.key", "r"), *certificate = open_file("ca.pem", "r");
    char secret[LINE_SIZE];

    if (!key || !certificate)
        die(authority.directory);
    authority.key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
    authority.certificate = PEM_read_X509(certificate, NULL, NULL, NULL);
    if (!authority.key || !authority.certificate)
        die("ca.key, ca.pem");
    fclose(key);
    fclose(certificate);
    read_line("secret", secret);
    authority.secret_length = strlen(secret);
    memcpy(authority.secret, secret, authority.secret_length);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct MHD_Daemon *daemon;
    sigset_t signals;
    int caught;

    if (argc < 2 || argc > 3) {
        fputs("usage: cmp-authority DIRECTORY [PORT]\n", stderr);
        return 2;
    }
    authority.directory = argv[1];
    address.sin_port = htons((uint16_t)(argc == 3 ? atoi(argv[2]) : 0));
    load();
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, receive, NULL,
                              MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
                              MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_END);
    if (!daemon)
        die("cannot listen");
    printf("listening on %u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    sigwait(&signals, &caught);
    MHD_stop_daemon(daemon);
    return 0;
}
