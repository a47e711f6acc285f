#include "sealed_row.h"

#include <string.h>

bool sealed_row_open(struct vault *vault, const struct rows *rows, size_t row, const char *place,
                     struct secret **secret, struct error *err)
{
    AUTO(sealed_clear) struct sealed sealed = { 0 };
    const unsigned char *data;
    size_t length;

    *secret = NULL;
    if (row_is_null(rows, row, "ciphertext"))
        return true;
    data = row_bytes(rows, row, "nonce", &length);
    if (length != sizeof(sealed.nonce))
        return error_set(err, ERROR_INTERNAL, "the secret of %s has a nonce of %zu bytes", place, length);
    memcpy(sealed.nonce, data, sizeof(sealed.nonce));
    data = row_bytes(rows, row, "ciphertext", &length);
    bytes_set(&sealed.ciphertext, data, length);
    sealed.key_id = text_copy(row_text(rows, row, "key_id"));
    return vault_open(vault, place, &sealed, secret, err);
}
