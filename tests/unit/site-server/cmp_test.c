/* RFC 4210: what libcrypto's client and ours make of the answers of OpenSSL's own CMP server. */
#include "tests/unit/unit_test.h"

#include <openssl/cmp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certificates/cmp.h"
#include "support/process.h"
#include "support/workplace.h"

#define DAY_S       86400
#define PATIENCE_MS 20000
#define NAME        "pc1.example.org"
#define SECRET      "a secret that two share"

static char directory[] = "/tmp/cmp_test.XXXXXX";
static EVP_PKEY *ca_key, *other_key, *server_key, *device_key;
static X509 *authority, *former;
static struct bytes former_der, device_der;

/* ---- files ---- */

static char *path_of(const char *name)
{
    return text_format("%s/%s", directory, name);
}

static void write_pem(const char *name, EVP_PKEY *key, X509 *certificate)
{
    AUTO(text_free) char *path = path_of(name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    if (key)
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    if (certificate)
        assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
}

static void extend(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/* Issuer NULL: by itself, an authority. usage NULL: for signing messages. */
static X509 *certify(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key, const char *usage)
{
    static long serial;
    X509 *made = X509_new();
    AUTO(text_free) char *alternative = text_format("DNS:%s", name);

    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), -60);
    X509_gmtime_adj(X509_getm_notAfter(made), 30 * DAY_S);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8, (const unsigned char *)name,
                               -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(issuer ? issuer : made));
    X509_set_pubkey(made, key);
    extend(made, issuer ? issuer : made, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
    if (!issuer)
        extend(made, made, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature");
    extend(made, issuer ? issuer : made, NID_subject_key_identifier, "hash");
    if (issuer)
        extend(made, issuer, NID_subject_alt_name, alternative);
    if (usage)
        extend(made, issuer, NID_ext_key_usage, usage);
    X509_sign(made, issuer_key, EVP_sha256());
    return made;
}

static void request_of(EVP_PKEY *key, const char *name, const char *usage,
                       struct certificate_request **request)
{
    X509_REQ *made = X509_REQ_new();
    AUTO(text_free) char *alternative = text_format("DNS:%s", name);
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    AUTO(bytes_free) struct bytes der = { 0 };
    unsigned char *data = NULL;
    struct error err;
    int length;

    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(made), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_REQ_set_pubkey(made, key);
    sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative));
    sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, usage));
    X509_REQ_add_extensions(made, extensions);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    X509_REQ_sign(made, key, EVP_sha256());
    length = i2d_X509_REQ(made, &data);
    bytes_set(&der, data, (size_t)length);
    OPENSSL_free(data);
    X509_REQ_free(made);
    assert_true(request_read(request, &der, NULL, &err));
}

/* ---- OpenSSL's server ---- */

#define ARGUMENTS_MAX 40
#define BY_SECRET     "-srv_ref", "site", "-srv_secret", "pass:" SECRET
#define OF_DEVICE     "-rsp_cert", "device.pem"

/* Words that name one of our files stand for its path. *url is the caller's. */
static struct process *serve(char **url, const char *const *words)
{
    static unsigned servers;
    const char *argv[ARGUMENTS_MAX] = { "/usr/bin/openssl", "cmp", "-config", "", "-port", "0" };
    AUTO(text_free) char *name = text_format("server-%u.log", servers++);
    AUTO(text_free) char *log = path_of(name);
    AUTO(text_free) char *printed = NULL;
    char *paths[ARGUMENTS_MAX] = { 0 };
    struct process *process = NULL;
    struct error err = { 0 };
    size_t count = 6;
    const char *accept;

    for (size_t i = 0; words[i]; i++) {
        paths[i] = strstr(words[i], ".pem") ? path_of(words[i]) : text_copy(words[i]);
        argv[count++] = paths[i];
    }
    if (!process_start(&process, log, argv, &err) ||
        !process_wait_line(process, "ACCEPT", PATIENCE_MS, &err) || !file_read(log, &printed, NULL, &err))
        fail_msg("%s", err.message);
    accept = strstr(printed, "ACCEPT");
    *url = text_format("http://127.0.0.1:%d/pkix/", atoi(strstr(accept, "]:") + 2));
    for (size_t i = 0; i < ARGUMENTS_MAX; i++)
        free(paths[i]);
    return process;
}

struct trial {
    struct process *server;
    char *url;
    struct cmp_issuer *issuer;
    struct cmp_exchange *exchange;
    struct cmp_answer answer;
    struct error err;
    bool asked;
};

static void trial_end(struct trial *trial)
{
    cmp_exchange_free(&trial->exchange);
    cmp_issuer_free(&trial->issuer);
    issued_certificate_clear(&trial->answer.issued);
    if (trial->server)
        process_kill(&trial->server);
    text_free(&trial->url);
}

static void load(struct trial *trial, struct cmp_settings settings)
{
    AUTO(text_free)
    char *authority_file = path_of(settings.authority_file ? settings.authority_file : "ca.pem");
    AUTO(text_free) char *secret_file = path_of(settings.secret_file ? settings.secret_file : "secret");
    AUTO(text_free) char *credential = path_of("site.pem");

    settings.server = trial->url;
    settings.authority_file = authority_file;
    settings.reference = "site";
    settings.timeout_s = 10;
    if (settings.credential_file)
        settings.credential_file = credential, settings.secret_file = "";
    else
        settings.credential_file = "", settings.secret_file = secret_file;
    if (!cmp_issuer_load(&trial->issuer, &settings, &trial->err))
        fail_msg("%s", trial->err.message);
}

static void ask(struct trial *trial, enum certificate_usage usage, const struct bytes *renewed)
{
    AUTO(request_free) struct certificate_request *request = NULL;
    struct cmp_order order = { .fqdn = NAME, .usage = usage, .former = renewed, .lifetime_s = 20 * DAY_S };

    request_of(device_key, NAME, usage == CERTIFICATE_CLIENT ? "clientAuth" : "serverAuth", &request);
    order.request = request;
    trial->asked = cmp_ask(trial->issuer, &order, &trial->exchange, &trial->answer, &trial->err);
}

#define WORDS(...) ((const char *[]){ __VA_ARGS__, NULL })

static void expect_granted(const struct trial *trial)
{
    const unsigned char *at = trial->answer.issued.der.data;
    X509 *certificate;

    if (!trial->asked)
        fail_msg("%s", trial->err.message);
    assert_true(trial->answer.granted);
    certificate = d2i_X509(NULL, &at, (long)trial->answer.issued.der.length);
    assert_non_null(certificate);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(certificate), device_key), 1);
    assert_int_equal(strlen(trial->answer.issued.fingerprint), 64);
    assert_true(trial->answer.issued.not_after_s > time(NULL) + 29 * DAY_S);
    X509_free(certificate);
}

static void expect_refused(const struct trial *trial, enum reason_code reason, const char *text)
{
    assert_false(trial->asked);
    if (trial->err.reason != reason || !strstr(trial->err.message, text))
        fail_msg("%s: \"%s\" instead of \"...%s...\"", reason_of(trial->err.reason)->name, trial->err.message,
                 text);
}

/* ---- what is granted ---- */

static void each_kind_of_request_is_granted(void **state)
{
    static const struct {
        enum cmp_request_kind request;
        bool renews;
    } kinds[] = { { CMP_P10CR, false }, { CMP_CR, false }, { CMP_IR, false }, { CMP_P10CR, true } };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        AUTO(trial_end) struct trial trial = { 0 };

        trial.server = serve(&trial.url, WORDS(BY_SECRET, OF_DEVICE, "-srv_cert", "ca.pem", "-srv_key",
                                               "ca.key.pem", "-accept_raverified"));
        load(&trial, (struct cmp_settings){ .request = kinds[i].request, .renew_with_kur = true });
        ask(&trial, CERTIFICATE_SERVER, kinds[i].renews ? &device_der : NULL);
        expect_granted(&trial);
    }
}

static void both_sides_can_prove_themselves_by_certificate(void **state)
{
    AUTO(trial_end) struct trial trial = { 0 };

    (void)state;
    trial.server = serve(&trial.url, WORDS(OF_DEVICE, "-srv_cert", "server.pem", "-srv_key", "server.key.pem",
                                           "-srv_trusted", "ca.pem"));
    load(&trial, (struct cmp_settings){ .credential_file = "site" });
    ask(&trial, CERTIFICATE_SERVER, NULL);
    expect_granted(&trial);
}

static void who_says_waiting_is_asked_again(void **state)
{
    AUTO(trial_end) struct trial trial = { 0 };

    (void)state;
    trial.server =
        serve(&trial.url, WORDS(BY_SECRET, OF_DEVICE, "-srv_cert", "ca.pem", "-srv_key", "ca.key.pem",
                                "-accept_raverified", "-poll_count", "2", "-check_after", "7"));
    load(&trial, (struct cmp_settings){ .request = CMP_CR });
    ask(&trial, CERTIFICATE_SERVER, NULL);
    for (unsigned polls = 0; trial.asked && !trial.answer.granted && polls < 5; polls++) {
        assert_int_equal(trial.answer.check_after_s, 7);
        trial.asked = cmp_ask_again(trial.exchange, &trial.answer, &trial.err);
    }
    expect_granted(&trial);
}

/* ---- what is refused ---- */

static void every_failure_has_a_reason_and_a_remedy(void **state)
{
    static const struct {
        int bit;
        enum reason_code reason;
        const char *text;
    } failures[] = {
        { OSSL_CMP_PKIFAILUREINFO_badAlg, REASON_ISSUER_REFUSED, "badAlg, \"not today\"; allow SHA-256" },
        { OSSL_CMP_PKIFAILUREINFO_badMessageCheck, REASON_ISSUER_DISTRUST, "badMessageCheck" },
        { OSSL_CMP_PKIFAILUREINFO_badRequest, REASON_ISSUER_REFUSED, "badRequest" },
        { OSSL_CMP_PKIFAILUREINFO_badTime, REASON_ISSUER_DISTRUST, "set the clocks" },
        { OSSL_CMP_PKIFAILUREINFO_badPOP, REASON_ISSUER_REFUSED, "accept raVerified" },
        { OSSL_CMP_PKIFAILUREINFO_badCertTemplate, REASON_ISSUER_REFUSED, "profile" },
        { OSSL_CMP_PKIFAILUREINFO_signerNotTrusted, REASON_ISSUER_DISTRUST, "cmp.credential_file" },
        { OSSL_CMP_PKIFAILUREINFO_notAuthorized, REASON_ISSUER_DISTRUST, "give this site the right" },
        { OSSL_CMP_PKIFAILUREINFO_systemUnavail, REASON_ISSUER_UNREACHABLE, "systemUnavail" },
        { OSSL_CMP_PKIFAILUREINFO_systemFailure, REASON_ISSUER_UNREACHABLE, "systemFailure" },
        { OSSL_CMP_PKIFAILUREINFO_duplicateCertReq, REASON_ISSUER_REFUSED, "issue again" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        AUTO(trial_end) struct trial trial = { 0 };
        AUTO(text_free) char *bit = text_format("%d", failures[i].bit);

        trial.server =
            serve(&trial.url, WORDS(BY_SECRET, OF_DEVICE, "-srv_cert", "ca.pem", "-srv_key", "ca.key.pem",
                                    "-pkistatus", "2", "-failure", bit, "-statusstring", "not today"));
        load(&trial, (struct cmp_settings){ 0 });
        ask(&trial, CERTIFICATE_SERVER, NULL);
        expect_refused(&trial, failures[i].reason, failures[i].text);
    }
}

static void an_error_message_in_place_of_an_answer_is_told_too(void **state)
{
    AUTO(trial_end) struct trial trial = { 0 };

    (void)state;
    trial.server = serve(&trial.url, WORDS(BY_SECRET, OF_DEVICE, "-srv_cert", "ca.pem", "-srv_key",
                                           "ca.key.pem", "-pkistatus", "2", "-failure", "24", "-statusstring",
                                           "in maintenance", "-send_error"));
    load(&trial, (struct cmp_settings){ 0 });
    ask(&trial, CERTIFICATE_SERVER, NULL);
    expect_refused(&trial, REASON_ISSUER_REFUSED, "\"error processing message\"");
}

static void a_secret_that_differs_is_a_matter_of_trust(void **state)
{
    AUTO(trial_end) struct trial trial = { 0 };

    (void)state;
    trial.server =
        serve(&trial.url, WORDS(BY_SECRET, OF_DEVICE, "-srv_cert", "ca.pem", "-srv_key", "ca.key.pem"));
    load(&trial, (struct cmp_settings){ .secret_file = "other-secret" });
    ask(&trial, CERTIFICATE_SERVER, NULL);
    expect_refused(&trial, REASON_ISSUER_DISTRUST, "");
}

static void a_server_that_another_authority_vouches_for_is_not_believed(void **state)
{
    AUTO(trial_end) struct trial trial = { 0 };

    (void)state;
    trial.server = serve(&trial.url, WORDS(OF_DEVICE, "-srv_cert", "server.pem", "-srv_key", "server.key.pem",
                                           "-srv_trusted", "ca.pem"));
    load(&trial, (struct cmp_settings){ .credential_file = "site", .authority_file = "other-ca.pem" });
    ask(&trial, CERTIFICATE_SERVER, NULL);
    expect_refused(&trial, REASON_ISSUER_DISTRUST, "cmp.authority_file");
}

static void a_server_that_is_not_there_is_unreachable(void **state)
{
    AUTO(trial_end) struct trial trial = { 0 };
    uint16_t port;

    (void)state;
    assert_true(loopback_free_port("127.0.0.1", &port, &trial.err));
    trial.url = text_format("http://127.0.0.1:%u/", port);
    load(&trial, (struct cmp_settings){ 0 });
    ask(&trial, CERTIFICATE_SERVER, NULL);
    expect_refused(&trial, REASON_ISSUER_UNREACHABLE, "the authority does not answer");
}

static void a_certificate_that_is_of_no_use_is_not_accepted(void **state)
{
    static const struct {
        const char *file, *text;
        enum certificate_usage usage;
    } useless[] = {
        { "other-name.pem", "another name", CERTIFICATE_SERVER },
        { "other-authority.pem", "not issued by the first certificate", CERTIFICATE_SERVER },
        { "device.pem", "another purpose", CERTIFICATE_CLIENT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(useless); i++) {
        AUTO(trial_end) struct trial trial = { 0 };

        trial.server = serve(&trial.url, WORDS(BY_SECRET, "-srv_cert", "ca.pem", "-srv_key", "ca.key.pem",
                                               "-rsp_cert", useless[i].file));
        load(&trial, (struct cmp_settings){ 0 });
        ask(&trial, useless[i].usage, NULL);
        expect_refused(&trial, REASON_ISSUER_REFUSED, useless[i].text);
    }
}

static void a_certificate_for_another_key_is_not_accepted(void **state)
{
    AUTO(trial_end) struct trial trial = { 0 };

    (void)state;
    trial.server = serve(&trial.url, WORDS(BY_SECRET, "-srv_cert", "ca.pem", "-srv_key", "ca.key.pem",
                                           "-rsp_cert", "other-key.pem"));
    load(&trial, (struct cmp_settings){ 0 });
    ask(&trial, CERTIFICATE_SERVER, NULL);
    assert_false(trial.asked);
    assert_int_equal(trial.err.reason, REASON_ISSUER_REFUSED);
}

/* ---- revocation ---- */

static void a_certificate_is_revoked_and_a_second_time_is_fine(void **state)
{
    AUTO(trial_end) struct trial trial = { 0 };
    AUTO(trial_end) struct trial again = { 0 };

    (void)state;
    trial.server = serve(&trial.url, WORDS(BY_SECRET, "-srv_cert", "ca.pem", "-srv_key", "ca.key.pem",
                                           "-rsp_cert", "former.pem"));
    load(&trial, (struct cmp_settings){ 0 });
    if (!cmp_revoke(trial.issuer, &former_der, 5, &trial.err))
        fail_msg("%s", trial.err.message);
    again.server = serve(&again.url, WORDS(BY_SECRET, "-srv_cert", "ca.pem", "-srv_key", "ca.key.pem",
                                           "-rsp_cert", "former.pem", "-pkistatus", "2", "-failure", "10"));
    load(&again, (struct cmp_settings){ 0 });
    assert_true(cmp_revoke(again.issuer, &former_der, 5, &again.err));
}

static void a_revocation_that_is_refused_says_why(void **state)
{
    AUTO(trial_end) struct trial trial = { 0 };

    (void)state;
    trial.server = serve(&trial.url, WORDS(BY_SECRET, "-srv_cert", "ca.pem", "-srv_key", "ca.key.pem",
                                           "-rsp_cert", "former.pem", "-pkistatus", "2", "-failure", "23"));
    load(&trial, (struct cmp_settings){ 0 });
    trial.asked = cmp_revoke(trial.issuer, &former_der, 5, &trial.err);
    expect_refused(&trial, REASON_ISSUER_DISTRUST, "notAuthorized");
}

/* ---- configuration ---- */

static void a_configuration_that_cannot_work_is_refused_by_its_key(void **state)
{
    AUTO(text_free) char *ca = path_of("ca.pem");
    AUTO(text_free) char *device = path_of("device.pem");
    AUTO(text_free) char *secret = path_of("secret");
    AUTO(text_free) char *empty = path_of("empty");
    const struct {
        const char *text, *server, *authority, *secret, *credential;
    } wrong[] = {
        { "cmp.server: 'ca.example.org:x'", "ca.example.org:x", ca, secret, "" },
        { "TLS is not spoken", "https://ca.example.org/", ca, secret, "" },
        { "cmp.authority_file: cannot read", "http://ca.example.org/", "/nonexistent", secret, "" },
        { "is no authority's", "http://ca.example.org/", device, secret, "" },
        { "either cmp.secret_file or cmp.credential_file", "http://ca.example.org/", ca, "", "" },
        { "either cmp.secret_file or cmp.credential_file", "http://ca.example.org/", ca, secret, device },
        { "cmp.secret_file: ", "http://ca.example.org/", ca, empty, "" },
        { "cmp.credential_file: ", "http://ca.example.org/", ca, "", device },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const struct cmp_settings settings = { .server = wrong[i].server,
                                               .authority_file = wrong[i].authority,
                                               .reference = "",
                                               .secret_file = wrong[i].secret,
                                               .credential_file = wrong[i].credential,
                                               .timeout_s = 1 };
        struct cmp_issuer *issuer = NULL;
        struct error err = { 0 };

        assert_false(cmp_issuer_load(&issuer, &settings, &err));
        if (!strstr(err.message, wrong[i].text))
            fail_msg("\"%s\" instead of \"%s\"", err.message, wrong[i].text);
    }
}

/* ---- what an authority may be shown ---- */

static void a_request_is_passed_on_only_if_it_asks_for_nothing_else(void **state)
{
    static const struct {
        const char *name, *usage;
        enum certificate_usage wanted;
        bool passes;
    } requests[] = {
        { NAME, "serverAuth", CERTIFICATE_SERVER, true },
        { "PC1.Example.org", "serverAuth", CERTIFICATE_SERVER, true },
        { "ceo.example.org", "serverAuth", CERTIFICATE_SERVER, false },
        { NAME, "clientAuth", CERTIFICATE_SERVER, false },
        { NAME, "serverAuth", CERTIFICATE_CLIENT, false },
        { NAME, "serverAuth,codeSigning", CERTIFICATE_SERVER, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        AUTO(request_free) struct certificate_request *request = NULL;
        struct error err = { 0 };

        request_of(device_key, requests[i].name, requests[i].usage, &request);
        assert_int_equal(request_asks_for(request, NAME, requests[i].wanted, &err), requests[i].passes);
    }
}

/* ---- fixtures ---- */

static void take_der(const X509 *certificate, struct bytes *der)
{
    unsigned char *data = NULL;
    int length = i2d_X509(certificate, &data);

    bytes_set(der, data, (size_t)length);
    OPENSSL_free(data);
}

static int make_files(void **state)
{
    EVP_PKEY **keys[] = { &ca_key, &other_key, &server_key, &device_key };
    X509 *other_authority, *made[6];
    AUTO(text_free) char *secret = NULL;
    AUTO(text_free) char *other_secret = NULL;
    AUTO(text_free) char *empty = NULL;
    struct error err;

    (void)state;
    if (!mkdtemp(directory))
        return -1;
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        *keys[i] = EVP_RSA_gen(2048);
    authority = certify(ca_key, "Authority", NULL, ca_key, NULL);
    other_authority = certify(other_key, "Other", NULL, other_key, NULL);
    former = certify(other_key, NAME, authority, ca_key, "serverAuth");
    made[0] = certify(server_key, "cmp.example.org", authority, ca_key, NULL);
    made[1] = certify(device_key, NAME, authority, ca_key, "serverAuth");
    made[2] = certify(device_key, "ceo.example.org", authority, ca_key, "serverAuth");
    made[3] = certify(device_key, NAME, other_authority, other_key, "serverAuth");
    made[4] = certify(other_key, NAME, authority, ca_key, "serverAuth");
    made[5] = certify(server_key, "site", authority, ca_key, NULL);
    write_pem("ca.pem", NULL, authority);
    write_pem("ca.key.pem", ca_key, NULL);
    write_pem("other-ca.pem", NULL, other_authority);
    write_pem("server.pem", NULL, made[0]);
    write_pem("server.key.pem", server_key, NULL);
    write_pem("device.pem", NULL, made[1]);
    write_pem("other-name.pem", NULL, made[2]);
    write_pem("other-authority.pem", NULL, made[3]);
    write_pem("other-key.pem", NULL, made[4]);
    write_pem("site.pem", server_key, made[5]);
    write_pem("former.pem", NULL, former);
    take_der(former, &former_der);
    take_der(made[1], &device_der);
    for (size_t i = 0; i < COUNT_OF(made); i++)
        X509_free(made[i]);
    X509_free(other_authority);
    secret = path_of("secret");
    other_secret = path_of("other-secret");
    empty = path_of("empty");
    return file_write(secret, SECRET "\n", 0600, &err) && file_write(other_secret, "another\n", 0600, &err) &&
                   file_write(empty, "\n", 0600, &err)
               ? 0
               : -1;
}

static int remove_files(void **state)
{
    (void)state;
    directory_remove(directory);
    X509_free(authority);
    X509_free(former);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(other_key);
    EVP_PKEY_free(server_key);
    EVP_PKEY_free(device_key);
    bytes_free(&former_der);
    bytes_free(&device_der);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_request_is_granted),
        cmocka_unit_test(both_sides_can_prove_themselves_by_certificate),
        cmocka_unit_test(who_says_waiting_is_asked_again),
        cmocka_unit_test(every_failure_has_a_reason_and_a_remedy),
        cmocka_unit_test(an_error_message_in_place_of_an_answer_is_told_too),
        cmocka_unit_test(a_secret_that_differs_is_a_matter_of_trust),
        cmocka_unit_test(a_server_that_another_authority_vouches_for_is_not_believed),
        cmocka_unit_test(a_server_that_is_not_there_is_unreachable),
        cmocka_unit_test(a_certificate_that_is_of_no_use_is_not_accepted),
        cmocka_unit_test(a_certificate_for_another_key_is_not_accepted),
        cmocka_unit_test(a_certificate_is_revoked_and_a_second_time_is_fine),
        cmocka_unit_test(a_revocation_that_is_refused_says_why),
        cmocka_unit_test(a_configuration_that_cannot_work_is_refused_by_its_key),
        cmocka_unit_test(a_request_is_passed_on_only_if_it_asks_for_nothing_else),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
