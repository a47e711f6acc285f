#include "name.h"

#include "ownership.h"

#include <string.h>

static char *print(const X509_NAME *name, unsigned long flags)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *bytes, *copy;
    long length;

    X509_NAME_print_ex(memory, name, 0, flags);
    length = BIO_get_mem_data(memory, &bytes);
    copy = allocate((size_t)length + 1);
    memcpy(copy, bytes, (size_t)length);
    BIO_free(memory);
    return copy;
}

char *name_readable(const X509_NAME *name)
{
    return print(name, XN_FLAG_RFC2253);
}

/* Recorded answers list the last attribute of the encoding first, by commas without blanks. */
char *name_of_firmware(const X509_NAME *name)
{
    return print(name, XN_FLAG_SEP_COMMA_PLUS | XN_FLAG_DN_REV | XN_FLAG_FN_SN | ASN1_STRFLGS_UTF8_CONVERT);
}

char *name_common(const X509 *certificate)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int place = -1, last = -1;
    unsigned char *utf8 = NULL;
    char *copy = NULL;

    while ((place = X509_NAME_get_index_by_NID(subject, NID_commonName, place)) >= 0)
        last = place;
    if (last < 0)
        return NULL;
    if (ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last))) >= 0)
        copy = duplicate((const char *)utf8);
    OPENSSL_free(utf8);
    return copy;
}
