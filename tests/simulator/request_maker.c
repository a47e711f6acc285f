#include "request_maker.h"

#include "encoding.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static bool add_part(X509_NAME *name, char *part)
{
    char *equals = strchr(part, '=');

    if (!equals)
        return false;
    *equals = '\0';
    part += strspn(part, " ");
    return X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, (const unsigned char *)equals + 1, -1, -1,
                                      0) == 1;
}

static bool set_subject(X509_REQ *request, const char *subject)
{
    AUTO(free_text) char *copy = duplicate(subject);
    char *rest = copy, *part;
    bool set = *copy != '\0';

    while (set && (part = strsep(&rest, ",")))
        set = add_part(X509_REQ_get_subject_name(request), part);
    return set;
}

static bool set_usage(X509_REQ *request, const char *usage)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, usage);
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    bool set = extension && sk_X509_EXTENSION_push(extensions, extension) > 0 &&
               X509_REQ_add_extensions(request, extensions) == 1;

    if (!sk_X509_EXTENSION_num(extensions))
        X509_EXTENSION_free(extension);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return set;
}

bool request_make(EVP_PKEY *key, const char *subject, const char *usage, struct text *out)
{
    X509_REQ *request = X509_REQ_new();
    unsigned char *der = NULL;
    int length = 0;
    bool made = set_subject(request, subject) && (!usage || set_usage(request, usage)) &&
                X509_REQ_set_pubkey(request, key) == 1 && X509_REQ_sign(request, key, EVP_sha1()) &&
                (length = i2d_X509_REQ(request, &der)) > 0;

    if (made)
        base64_append(out, der, (size_t)length);
    OPENSSL_free(der);
    X509_REQ_free(request);
    ERR_clear_error();
    return made;
}
