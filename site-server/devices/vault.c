#include "vault.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/encoding.h"
#include "common/private_file.h"

#define KEY_BYTES  32
#define TAG_BYTES  16
#define KEY_ID_MAX 32

struct key {
    char id[KEY_ID_MAX + 1];
    struct secret *value;
};

struct vault {
    char *path;
    struct key *keys; /* the first one is current */
    size_t count;
    struct timespec modified; /* of the file that was read */
    off_t size;
};

static void keys_free(struct key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        secret_free(&keys[i].value);
    free(keys);
}

void vault_free(struct vault **vault)
{
    if (*vault) {
        keys_free((*vault)->keys, (*vault)->count);
        free((*vault)->path);
        free(*vault);
    }
    *vault = NULL;
}

void sealed_clear(struct sealed *sealed)
{
    text_free(&sealed->key_id);
    bytes_free(&sealed->ciphertext);
}

static const struct key *find_key(const struct vault *vault, const char *id)
{
    for (size_t i = 0; i < vault->count; i++) {
        if (strcmp(vault->keys[i].id, id) == 0)
            return &vault->keys[i];
    }
    return NULL;
}

static bool key_id_valid(const char *id)
{
    size_t length = strlen(id);

    return length > 0 && length <= KEY_ID_MAX &&
           strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == length;
}

/* One line without its newline; takes the line apart in place. */
static bool parse_key(struct vault *vault, char *line, unsigned number, struct error *err)
{
    char *value = strchr(line, ' ');
    struct bytes decoded = { 0 };
    struct key *key;

    if (value)
        *value++ = '\0';
    if (!value || !key_id_valid(line))
        return error_set(
            err, ERROR_INPUT,
            "%s:%u: a line is ID, a blank and 32 bytes in Base64; ID has up to %d letters, digits, - _ .",
            vault->path, number, KEY_ID_MAX);
    if (find_key(vault, line))
        return error_set(err, ERROR_INPUT, "%s:%u: key %s is there twice; remove one", vault->path, number,
                         line);
    if (!base64_decode(value, &decoded) || decoded.length != KEY_BYTES) {
        if (decoded.data)
            secret_wipe(decoded.data, decoded.length);
        bytes_free(&decoded);
        return error_set(err, ERROR_INPUT, "%s:%u: key %s is not 32 bytes in Base64", vault->path, number,
                         line);
    }
    vault->keys = reallocate(vault->keys, vault->count + 1, sizeof(*vault->keys));
    key = &vault->keys[vault->count++];
    snprintf(key->id, sizeof(key->id), "%s", line);
    key->value = secret_new(decoded.data, decoded.length);
    secret_wipe(decoded.data, decoded.length);
    bytes_free(&decoded);
    return true;
}

static bool parse(struct vault *vault, const struct secret *content, struct error *err)
{
    AUTO(secret_free) struct secret *copy = secret_copy(content);
    char *line = (char *)secret_reveal(copy); /* our own copy, taken apart */
    unsigned number = 1;

    while (line) {
        char *end = strchr(line, '\n');

        if (end)
            *end = '\0';
        if (*line && *line != '#' && !parse_key(vault, line, number, err))
            return false;
        line = end ? end + 1 : NULL;
        number++;
    }
    if (!vault->count)
        return error_set(err, ERROR_INPUT, "%s holds no key; make the file with: amtctl secret init %s",
                         vault->path, vault->path);
    return true;
}

static bool read_file(struct vault *vault, struct error *err)
{
    AUTO(secret_free) struct secret *content = NULL;
    struct stat status;

    if (stat(vault->path, &status) == 0) {
        vault->modified = status.st_mtim;
        vault->size = status.st_size;
    }
    return private_file_read(vault->path, &content, err) && parse(vault, content, err);
}

bool vault_load(struct vault **vault, const char *path, struct error *err)
{
    AUTO(vault_free) struct vault *loading = allocate(sizeof(*loading));

    loading->path = text_copy(path);
    if (!read_file(loading, err))
        return error_during(err, "key file");
    *vault = TAKE(loading);
    return true;
}

/* A person may have added a key under a running server. What cannot be read leaves the keys as they are:
 * the values that need the missing key say so. */
static void read_again_if_changed(struct vault *vault)
{
    AUTO(vault_free) struct vault *fresh = NULL;
    struct error ignored;
    struct stat status;

    if (stat(vault->path, &status) != 0 ||
        (status.st_mtim.tv_sec == vault->modified.tv_sec &&
         status.st_mtim.tv_nsec == vault->modified.tv_nsec && status.st_size == vault->size))
        return;
    vault->modified = status.st_mtim;
    vault->size = status.st_size;
    if (!vault_load(&fresh, vault->path, &ignored))
        return;
    keys_free(vault->keys, vault->count);
    vault->keys = TAKE(fresh->keys);
    vault->count = fresh->count;
    fresh->count = 0;
}

const char *vault_current_key_id(const struct vault *vault)
{
    return vault->keys[0].id;
}

bool vault_has_key(const struct vault *vault, const char *key_id)
{
    return find_key(vault, key_id) != NULL;
}

/* "k20260131-5f3a": the day for people, random against two on one day. */
static bool new_key_line(char **line, struct error *err)
{
    unsigned char key[KEY_BYTES], suffix[2];
    char day[16], hex[2 * sizeof(suffix) + 1];
    time_t now = time(NULL);
    struct tm utc;
    char *encoded;

    if (RAND_priv_bytes(key, sizeof(key)) != 1 || RAND_bytes(suffix, sizeof(suffix)) != 1)
        return error_set(err, ERROR_INTERNAL, "the random number generator failed");
    strftime(day, sizeof(day), "k%Y%m%d", gmtime_r(&now, &utc));
    encoded = base64_encode(key, sizeof(key));
    *line = text_format("%s-%s %s\n", day, hex_encode(suffix, sizeof(suffix), hex), encoded);
    secret_wipe(key, sizeof(key));
    secret_wipe(encoded, strlen(encoded));
    free(encoded);
    return true;
}

static void line_free(char **line)
{
    if (*line)
        secret_wipe(*line, strlen(*line));
    text_free(line);
}

bool vault_key_create(const char *path, struct error *err)
{
    AUTO(line_free) char *line = NULL;
    AUTO(secret_free) struct secret *content = NULL;

    if (!new_key_line(&line, err))
        return false;
    content = secret_from_text(line);
    return private_file_create(path, content, err);
}

bool vault_key_add(const char *path, struct error *err)
{
    AUTO(line_free) char *line = NULL;
    AUTO(line_free) char *both = NULL;
    AUTO(vault_free) struct vault *checked = NULL;
    AUTO(secret_free) struct secret *former = NULL;
    AUTO(secret_free) struct secret *content = NULL;
    AUTO(private_file_release) int held = -1;

    if (!private_file_hold(path, &held, err) || !vault_load(&checked, path, err) ||
        !private_file_read(path, &former, err) || !new_key_line(&line, err))
        return false;
    both = text_format("%s%s", line, secret_reveal(former));
    content = secret_from_text(both);
    return private_file_replace(path, content, err);
}

static void cipher_free(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context);
    *context = NULL;
}

static const unsigned char *bytes_of(const struct secret *secret)
{
    return (const unsigned char *)secret_reveal(secret);
}

bool vault_seal(struct vault *vault, const char *place, const struct secret *secret, struct sealed *sealed,
                struct error *err)
{
    AUTO(cipher_free) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    struct sealed made = { 0 };
    size_t length = secret_length(secret);
    int written, rest;

    read_again_if_changed(vault);
    made.ciphertext.data = allocate(length + TAG_BYTES);
    made.ciphertext.length = length + TAG_BYTES;
    if (!context || RAND_bytes(made.nonce, sizeof(made.nonce)) != 1 ||
        EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, bytes_of(vault->keys[0].value), made.nonce) !=
            1 ||
        EVP_EncryptUpdate(context, NULL, &written, (const unsigned char *)place, (int)strlen(place)) != 1 ||
        EVP_EncryptUpdate(context, made.ciphertext.data, &written, bytes_of(secret), (int)length) != 1 ||
        EVP_EncryptFinal_ex(context, made.ciphertext.data + written, &rest) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, made.ciphertext.data + length) != 1) {
        sealed_clear(&made);
        return error_set(err, ERROR_INTERNAL, "AES-256-GCM failed");
    }
    made.key_id = text_copy(vault->keys[0].id);
    sealed_clear(sealed);
    *sealed = made;
    return true;
}

static bool decrypt(const struct key *key, const char *place, const struct sealed *sealed,
                    unsigned char *clear)
{
    AUTO(cipher_free) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    size_t length = sealed->ciphertext.length - TAG_BYTES;
    int written, rest;

    return context &&
           EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, bytes_of(key->value), sealed->nonce) == 1 &&
           EVP_DecryptUpdate(context, NULL, &written, (const unsigned char *)place, (int)strlen(place)) ==
               1 &&
           EVP_DecryptUpdate(context, clear, &written, sealed->ciphertext.data, (int)length) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, sealed->ciphertext.data + length) ==
               1 &&
           EVP_DecryptFinal_ex(context, clear + written, &rest) == 1;
}

bool vault_open(struct vault *vault, const char *place, const struct sealed *sealed, struct secret **secret,
                struct error *err)
{
    const struct key *key;
    size_t length = sealed->ciphertext.length;
    unsigned char *clear;
    bool opened;

    if (!sealed->key_id)
        return error_set(err, ERROR_INTERNAL, "the secret of %s names no key", place);
    key = find_key(vault, sealed->key_id);
    if (!key) {
        read_again_if_changed(vault);
        key = find_key(vault, sealed->key_id);
    }
    if (!key)
        return error_because(err, REASON_SECRET_KEY_MISSING, "key %.32s is not in %s", sealed->key_id,
                             vault->path);
    if (length < TAG_BYTES)
        return error_set(err, ERROR_INTERNAL, "the secret of %s has %zu bytes, less than its tag", place,
                         length);
    clear = allocate(length);
    opened = decrypt(key, place, sealed, clear);
    if (opened)
        *secret = secret_new(clear, length - TAG_BYTES);
    secret_wipe(clear, length);
    free(clear);
    if (!opened)
        return error_set(
            err, ERROR_INTERNAL,
            "the secret of %s does not decrypt with key %s: it was changed, or belongs elsewhere", place,
            key->id);
    return true;
}

void vault_mark(const struct vault *vault, const char *place, const struct secret *secret,
                unsigned char mark[VAULT_MARK_BYTES])
{
    static const unsigned char label[] = "amt vault mark";
    unsigned char key[VAULT_MARK_BYTES], clear_hash[VAULT_MARK_BYTES];
    size_t place_length = strlen(place);
    unsigned char *data = allocate(place_length + 1 + sizeof(clear_hash));
    unsigned length = 0;

    /* A key of its own, so that nothing is learned about the one that encrypts. */
    if (!HMAC(EVP_sha256(), secret_reveal(vault->keys[0].value), KEY_BYTES, label, sizeof(label) - 1, key,
              &length) ||
        !HMAC(EVP_sha256(), key, sizeof(key), bytes_of(secret), secret_length(secret), clear_hash, &length))
        abort(); /* HMAC-SHA-256 of memory cannot fail but for lack of memory */
    memcpy(data, place, place_length);
    memcpy(data + place_length + 1, clear_hash, sizeof(clear_hash));
    if (!HMAC(EVP_sha256(), key, sizeof(key), data, place_length + 1 + sizeof(clear_hash), mark, &length))
        abort();
    secret_wipe(key, sizeof(key));
    secret_wipe(clear_hash, sizeof(clear_hash));
    secret_wipe(data, place_length + 1 + sizeof(clear_hash));
    free(data);
}

char *vault_place_computer(const struct uuid *uuid, const char *kind, char *out)
{
    char text[UUID_TEXT_SIZE];

    snprintf(out, VAULT_PLACE_SIZE, "%s|%s", uuid_text(uuid, text), kind);
    return out;
}

char *vault_place_account(const char *name, char *out)
{
    snprintf(out, VAULT_PLACE_SIZE, "account|%s", name);
    return out;
}

char *vault_place_profile_user(const char *profile, const char *user, char *out)
{
    snprintf(out, VAULT_PLACE_SIZE, "profile|%s|%s", profile, user);
    return out;
}

char *vault_place_profile_mebx(const char *profile, char *out)
{
    return vault_place_profile_user(profile, "$$mebx", out);
}

char *vault_place_profile_wireless(const char *profile, const char *name, char *out)
{
    snprintf(out, VAULT_PLACE_SIZE, "wireless|%s|%s", profile, name);
    return out;
}

char *vault_place_profile_wired(const char *profile, char *out)
{
    snprintf(out, VAULT_PLACE_SIZE, "wired-802.1x|%s", profile);
    return out;
}

char *vault_place_authority(const char *fingerprint, char *out)
{
    snprintf(out, VAULT_PLACE_SIZE, "authority|%s", fingerprint);
    return out;
}
