/* Any answer of a device: understood, or refused with an error, in bounded memory (spec 11). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/wsman_describe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(text_free) char *description = NULL;
    AUTO(text_free) char *text = allocate(size + 1); /* as it comes out of HTTP, with a NUL behind it */
    struct error err = { 0 };

    if (size)
        memcpy(text, data, size);
    if (!wsman_describe(text, size, &description, &err) && (err.code == ERROR_NONE || !*err.message))
        abort();
    return 0;
}
