/*
 * sealed_row.h - a sealed value in a row of a result: columns key_id, nonce and ciphertext.
 */
#ifndef JOBS_SEALED_ROW_H
#define JOBS_SEALED_ROW_H

#include "database/row.h"
#include "devices/vault.h"

/* True without a secret (NULL) when the columns are NULL. On true the caller ends *secret. */
bool sealed_row_open(struct vault *vault, const struct rows *rows, size_t row, const char *place,
                     struct secret **secret, struct error *err) MUST_CHECK;

#endif
