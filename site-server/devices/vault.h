/*
 * vault.h - secrets at rest: AES-256-GCM under keys of a file outside the database (spec 6.2).
 *
 * The file has lines `ID BASE64(32 bytes)`, the first one is the current key. Each value has a fresh nonce
 * and is bound to its place by the associated data, so that it cannot stand for another one. The file is
 * read again when it changed or when a value names a key that is not known (a person may have added it).
 */
#ifndef DEVICES_VAULT_H
#define DEVICES_VAULT_H

#include <stdint.h>

#include "common/error.h"
#include "common/secret.h"
#include "common/uuid.h"

#define VAULT_NONCE_BYTES 12
#define VAULT_MARK_BYTES  32
#define VAULT_PLACE_SIZE  256

struct vault; /* opaque: owns the keys */

struct sealed { /* zero-initialise; ended with sealed_clear() */
    char *key_id;
    unsigned char nonce[VAULT_NONCE_BYTES];
    struct bytes ciphertext; /* with the 16-byte tag at its end */
};

bool vault_load(struct vault **vault, const char *path, struct error *err) MUST_CHECK;
void vault_free(struct vault **vault);

/* Makes a file with one new key; refuses to replace one. */
bool vault_key_create(const char *path, struct error *err) MUST_CHECK;
/* A new current key in front of the ones there; the file is replaced at once. */
bool vault_key_add(const char *path, struct error *err) MUST_CHECK;

const char *vault_current_key_id(const struct vault *vault);
bool vault_has_key(const struct vault *vault, const char *key_id);

/* Under the current key. place is the associated data, see below. */
bool vault_seal(struct vault *vault, const char *place, const struct secret *secret, struct sealed *sealed,
                struct error *err) MUST_CHECK;
/* REASON_SECRET_KEY_MISSING names the key that is not in the file. On true the caller ends *secret. */
bool vault_open(struct vault *vault, const char *place, const struct sealed *sealed, struct secret **secret,
                struct error *err) MUST_CHECK;
/*
 * Keyed hash of a secret at a place: equal for equal secrets, says nothing else. For telling whether an
 * import brings a password that is there already. Changes with the current key.
 */
void vault_mark(const struct vault *vault, const char *place, const struct secret *secret,
                unsigned char mark[VAULT_MARK_BYTES]);
void sealed_clear(struct sealed *sealed);

/* The places; each writes into out[VAULT_PLACE_SIZE] and returns it. */
char *vault_place_computer(const struct uuid *uuid, const char *kind, char *out); /* admin, mebx, directory */
char *vault_place_account(const char *name, char *out);
char *vault_place_profile_user(const char *profile, const char *user, char *out);
char *vault_place_profile_mebx(const char *profile, char *out); /* user "$$mebx": no real one is called so */
char *vault_place_profile_wireless(const char *profile, const char *name, char *out);
char *vault_place_profile_wired(const char *profile, char *out);
char *vault_place_authority(const char *fingerprint, char *out);

#endif
