#include "firmware/console.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/certificate_request.h"
#include "firmware/trust_context.h"

#define KEY_BITS 2048 /* what every release takes in a client's certificate */

struct console_set {
    size_t holders; /* guarded by the lock of the console that made it */
    struct console *owner;
    struct provisioning_certificate *certificates[CONSOLE_CERTIFICATES_MAX];
    size_t count;
    bool of_file;
};

struct console {
    EVP_PKEY *key; /* NULL with a file */
    struct bytes request;
    pthread_mutex_t lock;
    struct console_set *set;
};

static void set_free(struct console_set **owner)
{
    struct console_set *set = TAKE(*owner);

    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        provisioning_certificate_free(&set->certificates[i]);
    free(set);
}

static struct console_set *set_new(struct console *console)
{
    struct console_set *set = allocate(sizeof(*set));

    set->owner = console;
    set->holders = 1;
    return set;
}

static bool make_request(struct console *console, const char *name, struct error *err)
{
    console->key = EVP_RSA_gen(KEY_BITS);
    if (!console->key) {
        ERR_clear_error();
        return error_set(err, ERROR_INTERNAL, "no RSA key can be made for the console certificate");
    }
    return certificate_request_of_console(console->key, name, &console->request, err);
}

bool console_open(struct console **owner, const char *path, const char *name, int64_t now_s,
                  struct error *err)
{
    AUTO(console_close) struct console *console = allocate(sizeof(*console));

    pthread_mutex_init(&console->lock, NULL);
    console->set = set_new(console);
    if (*path) {
        if (!console_certificate_load(&console->set->certificates[0], path, now_s, err))
            return false;
        console->set->count = 1;
        console->set->of_file = true;
    } else if (!make_request(console, name, err)) {
        return false;
    }
    *owner = TAKE(console);
    return true;
}

void console_close(struct console **owner)
{
    struct console *console = TAKE(*owner);

    if (!console)
        return;
    console_release(&console->set);
    EVP_PKEY_free(console->key);
    bytes_free(&console->request);
    pthread_mutex_destroy(&console->lock);
    free(console);
}

const struct bytes *console_request(const struct console *console)
{
    return &console->request;
}

static void replace_set(struct console *console, struct console_set **owner)
{
    struct console_set *former;

    pthread_mutex_lock(&console->lock);
    former = console->set;
    console->set = TAKE(*owner);
    pthread_mutex_unlock(&console->lock);
    console_release(&former);
}

bool console_take(struct console *console, const struct bytes *certificates, size_t count, struct error *err)
{
    AUTO(set_free) struct console_set *set = set_new(console);

    if (count == 0 || !console->key)
        return true;
    for (; set->count < count && set->count < CONSOLE_CERTIFICATES_MAX; set->count++) {
        if (!console_certificate_make(&set->certificates[set->count], &certificates[set->count], console->key,
                                      err))
            return false;
    }
    replace_set(console, &set);
    return true;
}

static bool is_half_over(const struct provisioning_certificate *certificate, int64_t now_s)
{
    const struct preflight_facts *facts = provisioning_certificate_preflight(certificate);

    return facts->not_after_s - now_s <= (facts->not_after_s - facts->not_before_s) / 2;
}

bool console_wants(struct console *console, const struct bytes *issuer, int64_t now_s)
{
    AUTO(console_release) struct console_set *set = console_hold(console);
    bool wants = console->key && issuer && !console_set_find(set, issuer);

    for (size_t i = 0; i < set->count && console->key; i++)
        wants = wants || is_half_over(set->certificates[i], now_s);
    return wants;
}

struct console_set *console_hold(struct console *console)
{
    struct console_set *set;

    pthread_mutex_lock(&console->lock);
    set = console->set;
    set->holders++;
    pthread_mutex_unlock(&console->lock);
    return set;
}

void console_release(struct console_set **owner)
{
    struct console_set *set = TAKE(*owner);
    bool last;

    if (!set)
        return;
    pthread_mutex_lock(&set->owner->lock);
    last = --set->holders == 0;
    pthread_mutex_unlock(&set->owner->lock);
    if (last)
        set_free(&set);
}

size_t console_set_count(const struct console_set *set)
{
    return set->count;
}

const struct provisioning_certificate *console_set_certificate(const struct console_set *set, size_t index)
{
    return set->certificates[index];
}

const struct provisioning_certificate *console_set_find(const struct console_set *set,
                                                        const struct bytes *root)
{
    for (size_t i = 0; i < set->count; i++) {
        if (provisioning_certificate_issued_by(set->certificates[i], root))
            return set->certificates[i];
    }
    return NULL;
}

const struct bytes *console_set_root(const struct console_set *set, const struct bytes *issuer)
{
    struct provisioning_certificate_facts facts;

    if (!set->of_file)
        return issuer && console_set_find(set, issuer) ? issuer : NULL;
    provisioning_certificate_facts(set->certificates[0], &facts);
    return &facts.chain[facts.chain_length - 1];
}
