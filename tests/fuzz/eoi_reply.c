/* Any answer of a device on its older SOAP interface: understood, or refused with an error (spec 11). */
#include <stdint.h>
#include <stdlib.h>

#include "firmware/eoi_describe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(text_free) char *description = NULL;
    struct error err = { 0 };

    if (!eoi_describe((const char *)data, size, &description, &err) &&
        (err.code == ERROR_NONE || !*err.message))
        abort();
    return 0;
}
