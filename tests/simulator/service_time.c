/*
 * service_time.c - the clock: NetworkTime.
 */
#include "service.h"

#include "clock.h"

static uint32_t set_clock(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    uint32_t ta0 = 0, tm1 = 0, tm2 = 0;
    int64_t now = device_clock(device), error_s;

    (void)out;
    value_number(input, "Ta0", &ta0);
    value_number(input, "Tm1", &tm1);
    value_number(input, "Tm2", &tm2);
    if (tm2 < tm1)
        return AMT_INVALID_PARAMETER;
    error_s = clock_error_s(ta0, tm1, tm2, now);
    if (now + error_s < CLOCK_FIRST_VALID)
        return AMT_INVALID_TIME;
    device->clock_offset_s += error_s;
    device->clock_set = true;
    return AMT_SUCCESS;
}

static const struct member clock_members[] = { { "Ta0", TYPE_NUMBER, REQUIRED, NULL },
                                               { "Tm1", TYPE_NUMBER, REQUIRED, NULL },
                                               { "Tm2", TYPE_NUMBER, REQUIRED, NULL },
                                               { 0 } };

const struct service_call time_calls[] = {
    { TWIN("AMT_TimeSynchronizationService", "GetLowAccuracyTimeSynch"), .reads_only = true },
    { .name = "SetHighAccuracyTimeSynch", .run = set_clock, .members = clock_members },
    { 0 },
};
