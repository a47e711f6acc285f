#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "certificates/cmp_parts.h"
#include "common/private_file.h"

#define SECRET_MAX_BYTES 1024

static void bio_free(BIO **bio)
{
    BIO_free(*bio);
    *bio = NULL;
}

static void certificates_free(STACK_OF(X509) * *certificates)
{
    sk_X509_pop_free(*certificates, X509_free);
    *certificates = NULL;
}

void cmp_issuer_free(struct cmp_issuer **issuer)
{
    struct cmp_issuer *ending = TAKE(*issuer);

    if (!ending)
        return;
    free(ending->host);
    free(ending->path);
    free(ending->reference);
    authority_free(&ending->authority);
    certificates_free(&ending->chain);
    secret_free(&ending->secret);
    EVP_PKEY_free(ending->key);
    X509_free(ending->certificate);
    certificates_free(&ending->certificate_issuers);
    free(ending);
}

const struct authority *cmp_issuer_authority(const struct cmp_issuer *issuer)
{
    return issuer->authority;
}

static bool refuse(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);
static bool refuse(struct error *err, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    ERR_clear_error();
    return error_set(err, ERROR_INPUT, "%s", text);
}

static bool read_server(struct cmp_issuer *issuer, const char *url, struct error *err)
{
    char *user = NULL, *host = NULL, *path = NULL, *query = NULL, *fragment = NULL;
    int tls = 0;
    bool read =
        OSSL_HTTP_parse_url(url, &tls, &user, &host, NULL, &issuer->port, &path, &query, &fragment) == 1;
    bool plain = read && !tls && !*user && !*query && !*fragment;

    if (plain) {
        issuer->host = text_copy(host);
        issuer->path = text_copy(*path == '/' ? path + 1 : path);
    }
    OPENSSL_free(user);
    OPENSSL_free(host);
    OPENSSL_free(path);
    OPENSSL_free(query);
    OPENSSL_free(fragment);
    if (!read)
        return refuse(err, "cmp.server: '%s' is no URL; give http://HOST[:PORT]/PATH", url);
    if (tls)
        return refuse(err,
                      "cmp.server: '%s': TLS is not spoken beneath CMP, whose messages are protected by "
                      "themselves (RFC 6712 1); give http://",
                      url);
    return plain || refuse(err, "cmp.server: '%s' has a user, query or fragment; leave them out", url);
}

/* All certificates of the text; NULL when there is none. */
static STACK_OF(X509) * read_certificates(BIO *text)
{
    STACK_OF(X509) *read = sk_X509_new_null();
    X509 *certificate;

    while (read && (certificate = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL)
        sk_X509_push(read, certificate);
    ERR_clear_error();
    if (read && sk_X509_num(read) > 0)
        return read;
    certificates_free(&read);
    return NULL;
}

static bool read_authority(struct cmp_issuer *issuer, const char *path, struct error *err)
{
    AUTO(bio_free) BIO *file = BIO_new_file(path, "r");
    X509 *first;

    if (!file)
        return refuse(err, "cmp.authority_file: cannot read %s", path);
    issuer->chain = read_certificates(file);
    if (!issuer->chain)
        return refuse(err, "cmp.authority_file: there is no certificate (PEM) in %s", path);
    first = sk_X509_value(issuer->chain, 0);
    if (X509_check_ca(first) == 0)
        return refuse(err,
                      "cmp.authority_file: the first certificate in %s is no authority's; put the one that "
                      "issues first",
                      path);
    X509_up_ref(first);
    return authority_without_key(&issuer->authority, first, err) || error_during(err, "cmp.authority_file");
}

/* The line end that an editor leaves is none of the secret. */
static bool read_secret(struct cmp_issuer *issuer, const char *path, struct error *err)
{
    AUTO(secret_free) struct secret *content = NULL;
    size_t length;

    if (!private_file_read(path, &content, err))
        return error_during(err, "cmp.secret_file");
    length = secret_length(content);
    while (length > 0 && strchr("\r\n", secret_reveal(content)[length - 1]))
        length--;
    if (length == 0 || length > SECRET_MAX_BYTES)
        return refuse(err, "cmp.secret_file: %s must hold a secret of 1 to %d bytes", path, SECRET_MAX_BYTES);
    issuer->secret = secret_new(secret_reveal(content), length);
    return true;
}

static bool read_credential(struct cmp_issuer *issuer, const char *path, struct error *err)
{
    AUTO(secret_free) struct secret *content = NULL;
    AUTO(bio_free) BIO *keys = NULL;
    AUTO(bio_free) BIO *certificates = NULL;
    char no_password[] = "";

    if (!private_file_read(path, &content, err))
        return error_during(err, "cmp.credential_file");
    keys = BIO_new_mem_buf(secret_reveal(content), (int)secret_length(content));
    certificates = BIO_new_mem_buf(secret_reveal(content), (int)secret_length(content));
    issuer->key = PEM_read_bio_PrivateKey(keys, NULL, NULL, no_password);
    issuer->certificate_issuers = read_certificates(certificates);
    if (!issuer->key || !issuer->certificate_issuers)
        return refuse(err,
                      "cmp.credential_file: %s must hold a key without password and its certificate, in PEM",
                      path);
    issuer->certificate = sk_X509_shift(issuer->certificate_issuers);
    return X509_check_private_key(issuer->certificate, issuer->key) == 1 ||
           refuse(err, "cmp.credential_file: the key in %s does not belong to its first certificate", path);
}

static bool read_identity(struct cmp_issuer *issuer, const struct cmp_settings *settings, struct error *err)
{
    bool by_secret = *settings->secret_file, by_certificate = *settings->credential_file;

    if (by_secret == by_certificate)
        return refuse(err,
                      "cmp: set either cmp.secret_file or cmp.credential_file, by which the authority knows "
                      "this site");
    issuer->reference = text_copy(settings->reference);
    return by_secret ? read_secret(issuer, settings->secret_file, err)
                     : read_credential(issuer, settings->credential_file, err);
}

bool cmp_issuer_load(struct cmp_issuer **issuer, const struct cmp_settings *settings, struct error *err)
{
    AUTO(cmp_issuer_free) struct cmp_issuer *loading = allocate(sizeof(*loading));

    loading->request = settings->request;
    loading->renew_with_kur = settings->renew_with_kur;
    loading->timeout_s = (int)settings->timeout_s;
    if (!read_server(loading, settings->server, err) ||
        !read_authority(loading, settings->authority_file, err) || !read_identity(loading, settings, err))
        return false;
    *issuer = TAKE(loading);
    return true;
}
