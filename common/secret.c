#include "secret.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

struct secret {
    size_t length;
    char data[];
};

struct secret *secret_new(const void *data, size_t length)
{
    struct secret *secret = allocate(sizeof(*secret) + length + 1);

    secret->length = length;
    if (length)
        memcpy(secret->data, data, length);
    return secret;
}

struct secret *secret_from_text(const char *text)
{
    return secret_new(text, strlen(text));
}

struct secret *secret_copy(const struct secret *secret)
{
    return secret ? secret_new(secret->data, secret->length) : NULL;
}

void secret_free(struct secret **secret)
{
    if (*secret) {
        secret_wipe(*secret, sizeof(**secret) + (*secret)->length);
        free(*secret);
    }
    *secret = NULL;
}

const char *secret_reveal(const struct secret *secret)
{
    return secret->data;
}

size_t secret_length(const struct secret *secret)
{
    return secret->length;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    return a->length == b->length && CRYPTO_memcmp(a->data, b->data, a->length) == 0;
}

void secret_wipe(void *memory, size_t length)
{
    OPENSSL_cleanse(memory, length);
}

void secret_protect_process(void)
{
    struct rlimit none = { 0, 0 };

    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}
