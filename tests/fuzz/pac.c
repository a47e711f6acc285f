/* Any logon information of a ticket: SIDs that are whole, or an error (spec 11). */
#include <stdint.h>
#include <stdlib.h>

#include "pac.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct membership membership = { 0 };
    struct error err = { 0 };

    if (!pac_read(data, size, &membership, &err)) {
        if (!*err.message || membership.sids)
            abort();
        return 0;
    }
    if (membership.count < 2 || membership.count > MEMBERSHIPS_MAX)
        abort();
    for (size_t i = 0; i < membership.count; i++)
        if (membership.sids[i].length != SID_HEAD + 4u * membership.sids[i].bytes[1])
            abort();
    membership_release(&membership);
    return 0;
}
