#include "kind.h"

#include <stddef.h>
#include <string.h>

#include "common/ownership.h"

static const struct job_kind kinds[] = {
    { "provision", CANDIDATES_ALL, false, true, true, MEBX_SET, STATUS_PROVISIONED, REASON_NONE },
    { "discover", CANDIDATES_ALL, true, false, false, MEBX_LEFT, STATUS_KEEP, REASON_NONE },
    { "update", CANDIDATES_OWN, true, false, true, MEBX_KEPT, STATUS_PROVISIONED, REASON_NONE },
    { "rotate-passwords", CANDIDATES_ROTATION, true, true, false, MEBX_RENEWED, STATUS_PROVISIONED,
      REASON_NONE },
    { "renew-certificate", CANDIDATES_OWN, true, false, false, MEBX_LEFT, STATUS_PROVISIONED, REASON_NONE },
    { "sync-clock", CANDIDATES_OWN, true, false, false, MEBX_LEFT, STATUS_PROVISIONED, REASON_NONE },
    { "unprovision", CANDIDATES_OWN, true, false, false, MEBX_LEFT, STATUS_NOT_PROVISIONED,
      REASON_UNPROVISIONED },
    { "unprovision-partially", CANDIDATES_OWN, true, false, false, MEBX_LEFT, STATUS_NOT_PROVISIONED,
      REASON_UNPROVISIONED },
};

const struct job_kind *job_kind_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}
