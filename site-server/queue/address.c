#include "queue/address.h"

#include <string.h>

void address_copy(const char *address, size_t length, char *out, size_t size)
{
    static const char mapped[] = "::ffff:";
    size_t skip = sizeof(mapped) - 1;

    if (length > skip && memcmp(address, mapped, skip) == 0 && memchr(address + skip, '.', length - skip)) {
        address += skip;
        length -= skip;
    }
    if (length > size - 1)
        length = size - 1;
    if (length)
        memcpy(out, address, length);
    out[length] = '\0';
}
