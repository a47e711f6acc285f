#include "report.h"

#include "computer.h"
#include "report_json.h"
#include "service.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset;
} counted[] = {
#define COUNTED(member)                                                                                      \
    {                                                                                                        \
#member, offsetof(struct counters, member)                                                           \
    }
    COUNTED(requests),
    COUNTED(connections),
    COUNTED(refused_connections),
    COUNTED(tls_accepted),
    COUNTED(tls_resumed),
    COUNTED(tls_failed),
    COUNTED(failed_logins),
    COUNTED(locked_logins),
    COUNTED(stale_logins),
    COUNTED(writes),
    COUNTED(hellos),
    COUNTED(hellos_failed),
    COUNTED(faults),
    COUNTED(eoi_calls),
    COUNTED(kerberos_logins),
    COUNTED(kerberos_failures),
    COUNTED(host_calls),
#undef COUNTED
};

static uint64_t counter_value(const struct counters *counters, size_t i)
{
    uint64_t value;

    memcpy(&value, (const char *)counters + counted[i].offset, sizeof(value));
    return value;
}

/* Calls of the old interface by name, those that came at all; counts in the order of service_call_name(). */
static json_object *report_calls(const uint32_t *counts)
{
    json_object *object = json_object_new_object();

    for (unsigned i = 0; counts && i < service_call_total(); i++)
        if (counts[i])
            report_add_number(object, service_call_name(i), counts[i]);
    return object;
}

json_object *report_counters(const struct device *device)
{
    json_object *object = json_object_new_object();

    for (size_t i = 0; i < LENGTH(counted); i++)
        report_add_number(object, counted[i].name, (int64_t)counter_value(&device->counters, i));
    report_add_number(object, "failed_logins_in_connection_max",
                      device->counters.failed_logins_in_connection_max);
    report_add_number(object, "failed_logins_in_contact_max", device->counters.failed_logins_in_contact_max);
    report_add(object, "eoi_calls_by_name", report_calls(device->counters.eoi_by_name));
    return object;
}

json_object *report_total_counters(const struct simulator *simulator)
{
    json_object *object = json_object_new_object();
    uint64_t sums[LENGTH(counted)] = { 0 };
    uint32_t connection_max = 0, contact_max = 0;
    uint32_t *calls = allocate(service_call_total() * sizeof(*calls));
    int64_t states[3] = { 0 };

    for (size_t c = 0; c < simulator->count; c++) {
        const struct device *device = simulator->computers[c]->device;
        const struct counters *counters = &device->counters;

        for (size_t i = 0; i < LENGTH(counted); i++)
            sums[i] += counter_value(counters, i);
        for (unsigned i = 0; counters->eoi_by_name && i < service_call_total(); i++)
            calls[i] += counters->eoi_by_name[i];
        if (counters->failed_logins_in_connection_max > connection_max)
            connection_max = counters->failed_logins_in_connection_max;
        if (counters->failed_logins_in_contact_max > contact_max)
            contact_max = counters->failed_logins_in_contact_max;
        states[device->state]++;
    }
    report_add_number(object, "computers", (int64_t)simulator->count);
    report_add_number(object, "in_pre", states[STATE_PRE]);
    report_add_number(object, "in_setup", states[STATE_IN]);
    report_add_number(object, "in_post", states[STATE_POST]);
    for (size_t i = 0; i < LENGTH(counted); i++)
        report_add_number(object, counted[i].name, (int64_t)sums[i]);
    report_add_number(object, "failed_logins_in_connection_max", connection_max);
    report_add_number(object, "failed_logins_in_contact_max", contact_max);
    report_add(object, "eoi_calls_by_name", report_calls(calls));
    free(calls);
    return object;
}
