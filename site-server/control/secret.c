#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "computer_name.h"
#include "progress.h"
#include "secret_reading.h"
#include "verbs.h"

#define ROTATION_BATCH 1000 /* values in one transaction */

bool secret_show(struct session *session, const struct invocation *invocation, struct error *err)
{
    static const char *const kinds[] = { "admin", "mebx", "directory" };
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(secret_free) struct secret *secret = NULL;
    const char *kind = invocation->arguments[1];
    struct uuid uuid;
    char what[96];
    bool known = false;

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        known |= strcmp(kind, kinds[i]) == 0;
    if (!known)
        return error_set(err, ERROR_INPUT, "'%.40s' is no kind of password; use admin, mebx or directory",
                         kind);
    if (!computer_find(session, invocation->arguments[0], &uuid, err))
        return false;
    parameters_uuid(parameters, &uuid);
    parameters_text(parameters, kind);
    snprintf(what, sizeof(what), "%s password of this computer yet; it comes with an import or the first job",
             kind);
    return secret_read_announced(session, CONTROL_STATEMENT_SECRET_ANNOUNCE, &parameters, what, &secret,
                                 err) &&
           secret_print(session, secret, err);
}

static void tell_key(const struct session *session, const char *done, const char *path)
{
    if (session->json) {
        printf("{\"key_file\": ");
        json_print_text(path, stdout);
        printf("}\n");
    } else {
        printf("%s %s\n", path, done);
    }
}

bool secret_init(struct session *session, const struct invocation *invocation, struct error *err)
{
    const char *path = invocation->argument_count ? invocation->arguments[0] : session->key_file;

    if (!vault_key_create(path, err))
        return false;
    tell_key(session, "made; keep a copy in a safe place, without it no secret can be read", path);
    return true;
}

/* Values that are not sealed with the current key. */
static bool count_old(struct session *session, const struct vault *vault, uint64_t *count, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!database_run(session->database, CONTROL_STATEMENT_SEALED_KEY, NULL, &rows, err))
        return false;
    *count = 0;
    for (size_t i = 0; i < rows_count(rows); i++) {
        if (strcmp(row_text(rows, i, "key_id"), vault_current_key_id(vault)) != 0)
            *count += (uint64_t)row_number(rows, i, "secrets");
    }
    return true;
}

/* The arrays of one statement, each value an element of all. */
struct resealed {
    struct array *places, *names, *former_nonces, *keys, *nonces, *ciphertexts, *marks;
};

static bool reseal(struct vault *vault, const struct rows *rows, size_t row, const struct resealed *arrays,
                   struct error *err)
{
    const char *place = row_text(rows, row, "place"), *associated = row_text(rows, row, "associated_data");
    AUTO(sealed_clear) struct sealed former = { 0 };
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    AUTO(secret_free) struct secret *secret = NULL;
    unsigned char mark[VAULT_MARK_BYTES];
    bool marked = strcmp(place, "secret") == 0;

    if (!sealed_take(rows, row, &former, err) || !vault_open(vault, associated, &former, &secret, err) ||
        !vault_seal(vault, associated, secret, &sealed, err))
        return error_during(err, "%s %s", place, row_text(rows, row, "id"));
    vault_mark(vault, associated, secret, mark);
    array_add_text(arrays->places, place);
    array_add_text(arrays->names, row_text(rows, row, "id"));
    array_add_bytes(arrays->former_nonces, former.nonce, sizeof(former.nonce));
    array_add_text(arrays->keys, sealed.key_id);
    array_add_bytes(arrays->nonces, sealed.nonce, sizeof(sealed.nonce));
    array_add_bytes(arrays->ciphertexts, sealed.ciphertext.data, sealed.ciphertext.length);
    array_add_bytes(arrays->marks, marked ? mark : NULL, sizeof(mark));
    return true;
}

static bool replace(struct session *session, struct vault *vault, const struct rows *rows, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct resealed arrays = {
        .places = parameters_texts(parameters),
        .names = parameters_texts(parameters),
        .former_nonces = parameters_byte_strings(parameters),
        .keys = parameters_texts(parameters),
        .nonces = parameters_byte_strings(parameters),
        .ciphertexts = parameters_byte_strings(parameters),
        .marks = parameters_byte_strings(parameters),
    };

    for (size_t i = 0; i < rows_count(rows); i++) {
        if (!reseal(vault, rows, i, &arrays, err))
            return false;
    }
    return session_do(session, CONTROL_STATEMENT_SEALED_REPLACE, &parameters, err);
}

/* One transaction; *count is how many values it took on, 0 when nothing is left. */
static bool reseal_batch(struct session *session, struct vault *vault, size_t *count, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    parameters_text(parameters, vault_current_key_id(vault));
    parameters_number(parameters, ROTATION_BATCH);
    if (!database_begin(session->database, err) ||
        !database_run(session->database, CONTROL_STATEMENT_SEALED_NEXT, parameters, &rows, err) ||
        (rows_count(rows) && !replace(session, vault, rows, err)))
        return false;
    *count = rows_count(rows);
    return database_commit(session->database, err);
}

static bool reseal_all(struct session *session, struct vault *vault, uint64_t old, uint64_t *resealed,
                       struct error *err)
{
    struct progress progress;
    size_t count = 0;

    progress_start(&progress, "secrets", old);
    do {
        if (!reseal_batch(session, vault, &count, err)) {
            progress_end(&progress);
            return error_during(err, "%" PRIu64 " secrets are sealed anew, call it again for the rest",
                                *resealed);
        }
        *resealed += count;
        progress_to(&progress, *resealed);
    } while (count);
    progress_end(&progress);
    return true;
}

bool secret_rotate_key(struct session *session, const struct invocation *invocation, struct error *err)
{
    struct vault *vault;
    uint64_t old, resealed = 0;
    bool add_only = invocation->options[OPTION_KEY_ONLY] != NULL, add;

    if (!session_vault(session, &vault, err) || !count_old(session, vault, &old, err))
        return false;
    add = add_only || old == 0; /* else an earlier rotation is finished first, with the key it made */
    if (add) {
        if (!vault_key_add(session->key_file, err))
            return false;
        vault_free(&session->vault);
        if (!session_vault(session, &vault, err))
            return false;
    }
    if (!add_only &&
        (!count_old(session, vault, &old, err) || !reseal_all(session, vault, old, &resealed, err)))
        return false;
    if (session->json) {
        printf("{\"key\": ");
        json_print_text(vault_current_key_id(vault), stdout);
        printf(", \"added\": %s, \"resealed\": %" PRIu64 "}\n", add ? "true" : "false", resealed);
        return true;
    }
    printf("key %s is %s; %" PRIu64 " secrets sealed with it anew\n", vault_current_key_id(vault),
           add ? "new and the current one" : "the current one, made earlier", resealed);
    if (add_only)
        printf("copy %s to every site server, then call 'amtctl secret rotate-key' again\n",
               session->key_file);
    return true;
}
