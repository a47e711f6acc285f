/* Any bytes are a Hello or are refused; nothing is read behind their end. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "hello/hello_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hello_message hello = { 0 };

    if (hello_parse(data, size, &hello) != HELLO_TAKEN)
        return 0;
    for (size_t i = 0; i < hello.root_hash_count; i++) {
        if (root_hash_length(hello.root_hashes[i].algorithm) != hello.root_hashes[i].length)
            abort();
    }
    if (uuid_is_dummy(&hello.uuid))
        abort();
    return 0;
}
