#include "otp.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

/* Five bits a character; 20 bytes come out even, so there is no padding. */
static void base32(const uint8_t in[OTP_RANDOM_SIZE], char *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < OTP_RANDOM_SIZE; i++) {
        bits = bits << 8 | in[i];
        for (held += 8; held >= 5; held -= 5)
            *out++ = alphabet[bits >> (held - 5) & 31];
    }
}

static bool hash_salted(struct otp *otp)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool hashed = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                  EVP_DigestUpdate(context, otp->salt, sizeof(otp->salt)) == 1 &&
                  EVP_DigestUpdate(context, secret_reveal(otp->text), secret_length(otp->text)) == 1 &&
                  EVP_DigestFinal_ex(context, otp->hash, NULL) == 1;

    EVP_MD_CTX_free(context);
    return hashed;
}

bool otp_make(struct otp *otp, struct error *err)
{
    uint8_t random[OTP_RANDOM_SIZE];
    char text[OTP_RANDOM_SIZE * 8 / 5];
    struct otp made = { 0 };

    if (RAND_bytes(random, sizeof(random)) != 1 || RAND_bytes(made.salt, sizeof(made.salt)) != 1)
        return error_set(err, ERROR_INTERNAL, "no random numbers from libcrypto for a one-time password");
    base32(random, text);
    made.text = secret_new(text, sizeof(text));
    secret_wipe(random, sizeof(random));
    secret_wipe(text, sizeof(text));
    if (!hash_salted(&made)) {
        otp_clear(&made);
        return error_set(err, ERROR_INTERNAL, "libcrypto has no SHA-256");
    }
    *otp = made;
    return true;
}

void otp_clear(struct otp *otp)
{
    secret_free(&otp->text);
    memset(otp, 0, sizeof(*otp));
}
