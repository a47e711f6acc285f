/* Any bytes are a certificate request whose key may be certified, or are refused with a reason. */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>

#include "certificates/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bytes der = { (unsigned char *)data, size };
    struct certificate_request *request = NULL;
    unsigned char fingerprint[32];
    struct error err = { 0 };

    if (!request_read(&request, &der, "11.8.50", &err)) {
        if (request || !*err.message || !err.reason)
            abort();
        return 0;
    }
    request_key_fingerprint(request, fingerprint);
    if (!EVP_PKEY_is_a(request_key(request), "RSA") || EVP_PKEY_get_bits(request_key(request)) < 2048)
        abort();
    request_free(&request);
    return 0;
}
