/* Any WWW-Authenticate header: parsed and answered, or refused with an error (spec 11). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t a1[DIGEST_HASH_SIZE];
    struct digest_answer answer = { .user = "admin",
                                    .a1 = a1,
                                    .method = "POST",
                                    .uri = "/wsman",
                                    .cnonce = "0123456789abcdef0123456789abcdef",
                                    .nonce_count = 1,
                                    .body = data,
                                    .body_length = size };
    char header[DIGEST_HEADER_SIZE];
    struct digest_challenge challenge;
    struct error err = { 0 };

    if (!digest_challenge_parse((const char *)data, size, &challenge, &err) ||
        !digest_authorization(&challenge, &answer, header, &err)) {
        if (err.code == ERROR_NONE || !*err.message)
            abort();
        return 0;
    }
    if (strlen(header) >= DIGEST_HEADER_SIZE || strpbrk(header, "\r\n"))
        abort();
    return 0;
}
