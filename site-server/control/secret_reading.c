#include "secret_reading.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

bool sealed_take(const struct rows *rows, size_t row, struct sealed *sealed, struct error *err)
{
    size_t nonce_length, length;
    const unsigned char *nonce = row_bytes(rows, row, "nonce", &nonce_length);
    const unsigned char *ciphertext = row_bytes(rows, row, "ciphertext", &length);

    if (nonce_length != sizeof(sealed->nonce))
        return error_set(err, ERROR_INTERNAL, "a stored nonce has %zu bytes instead of %d", nonce_length,
                         VAULT_NONCE_BYTES);
    sealed->key_id = text_copy(row_text(rows, row, "key_id"));
    memcpy(sealed->nonce, nonce, nonce_length);
    bytes_set(&sealed->ciphertext, ciphertext, length);
    return true;
}

static bool announce(struct session *session, int announcement, struct parameters **parameters,
                     int64_t *number, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;
    bool done = database_begin(session->database, err) &&
                database_run(session->database, announcement, *parameters, &rows, err) &&
                database_commit(session->database, err);

    parameters_free(parameters);
    if (done)
        *number = row_number(rows, 0, "announcement");
    return done;
}

bool secret_read_announced(struct session *session, int announcement, struct parameters **parameters,
                           const char *what, struct secret **secret, struct error *err)
{
    AUTO(parameters_free) struct parameters *reading = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    struct vault *vault;
    int64_t number;

    /* The keys first: no reading is announced that cannot succeed. */
    if (!session_vault(session, &vault, err) || !announce(session, announcement, parameters, &number, err))
        return false;
    parameters_number(reading, number);
    if (!database_run(session->database, CONTROL_STATEMENT_SECRET_READ, reading, &rows, err))
        return false;
    if (rows_count(rows) == 0)
        return error_set(err, ERROR_ABSENT, "there is no %s", what);
    return sealed_take(rows, 0, &sealed, err) &&
           vault_open(vault, row_text(rows, 0, "associated_data"), &sealed, secret, err);
}

static bool write_all(const char *text, size_t length)
{
    while (length) {
        ssize_t written = write(STDOUT_FILENO, text, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return true;
}

bool secret_print(const struct session *session, const struct secret *secret, struct error *err)
{
    if (session->json) {
        printf("{\"secret\": ");
        json_print_text(secret_reveal(secret), stdout);
        printf("}\n");
        return true;
    }
    if (!write_all(secret_reveal(secret), secret_length(secret)) || !write_all("\n", 1))
        return error_set(err, ERROR_INTERNAL, "cannot write the password: %s", strerror(errno));
    return true;
}
