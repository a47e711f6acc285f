/*
 * root_hash.h - hashes of trusted roots as text, "SHA-256:<hex>": how the database holds and shows them.
 */
#ifndef DEVICES_ROOT_HASH_H
#define DEVICES_ROOT_HASH_H

#include "common/message.h"

#define ROOT_HASH_TEXT_SIZE 112

char *root_hash_text(const struct root_hash *hash,
                     char *out); /* into out[ROOT_HASH_TEXT_SIZE]; returns out */
bool root_hash_parse(const char *text, struct root_hash *hash);
bool root_hash_equal(const struct root_hash *a, const struct root_hash *b);

#endif
