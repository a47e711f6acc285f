/* Any bytes, as the certificates of a chain: each length in two octets, then DER. They are read or refused.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/provisioning_chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(provisioning_chain_clear) struct provisioning_chain chain = { 0 };
    struct bytes parts[PREFLIGHT_CHAIN_MAX];
    struct error err = { 0 };
    size_t count = 0;

    while (size >= 2 && count < COUNT_OF(parts)) {
        size_t length = (size_t)data[0] << 8 | data[1];

        data += 2;
        size -= 2;
        if (length > size)
            length = size;
        parts[count++] = (struct bytes){ (unsigned char *)data, length };
        data += length;
        size -= length;
    }
    if (provisioning_chain_read(parts, count, &chain, &err)) {
        if (!chain.common_name || !chain.subject || !chain.root_subject || chain.facts.chain_length != count)
            abort();
        if (!preflight_check(&chain.facts, "example.com", firmware_release_parse("16.1"), 1700000000, &err) &&
            !err.reason)
            abort();
    } else if (!*err.message) {
        abort();
    }
    return 0;
}
