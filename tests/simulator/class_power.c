/*
 * class_power.c - when the firmware is awake and what the host's power does: AMT_SystemPowerScheme,
 * CIM_ElementSettingData, CIM_PowerManagementService, CIM_AssociatedPowerManagementService.
 */
#include "class.h"

#include <stdio.h>
#include <string.h>

enum { IS_CURRENT = 1, IS_NOT_CURRENT = 2 };

struct scheme_id {
    char text[24];
};

static struct scheme_id scheme_id(unsigned index)
{
    struct scheme_id id;

    snprintf(id.text, sizeof(id.text), "SCHEME %u", index);
    return id;
}

static void describe_scheme(struct device *device, unsigned index, struct instance *instance)
{
    instance_text(instance, "Description", power_scheme_description(device, index));
    instance_text(instance, "ElementName", "Intel(r) AMT Power Scheme");
    instance_text(instance, "InstanceID", scheme_id(index).text);
    instance_text(instance, "SchemeGUID", power_scheme_guid(device, index));
}

static bool scheme_selected(const struct device *device, unsigned scheme, const struct selectors *selectors)
{
    bool selected = true;

    for (unsigned i = 0; i < selectors->count; i++) {
        const struct selector *selector = &selectors->items[i];
        bool by_id = !strcmp(selector->name, "InstanceID");

        selected &=
            !strcmp(selector->value, by_id ? scheme_id(scheme).text : power_scheme_guid(device, scheme));
    }
    return selected;
}

/* The method acts on the instance its selectors name. */
static uint32_t set_scheme(struct call *call, const xmlNode *input, struct text *out)
{
    const struct selectors *selectors = &call->request->selectors;
    struct device *device = call->device;
    unsigned scheme = 0;

    (void)input;
    (void)out;
    for (unsigned i = 0; i < selectors->count; i++)
        if (strcmp(selectors->items[i].name, "InstanceID") &&
            strcmp(selectors->items[i].name, "SchemeGUID")) {
            refuse_with(call, FAULT_INVALID_SELECTORS);
            return AMT_SUCCESS;
        }
    while (scheme < power_schemes(device) && !scheme_selected(device, scheme, selectors))
        scheme++;
    if (!selectors->count)
        refuse_with(call, FAULT_INVALID_SELECTORS);
    else if (scheme == power_schemes(device))
        refuse_with(call, FAULT_DESTINATION_UNREACHABLE);
    else
        device->power_scheme = scheme;
    return AMT_SUCCESS;
}

static const struct method scheme_methods[] = { { .name = "SetPowerScheme", .run = set_scheme }, { 0 } };

/* Besides the schemes, one association of another class: readers have to look at what is associated. */
static unsigned association_count(const struct device *device)
{
    return power_schemes(device) + 1;
}

static void describe_association(struct device *device, unsigned index, struct instance *instance)
{
    static const char *const system[] = { "CreationClassName", "CIM_ComputerSystem", "Name", "Intel(r) AMT",
                                          NULL };
    static const char *const general[] = { "InstanceID", "Intel(r) AMT: General Settings", NULL };

    instance_reference(instance, "ManagedElement", SCHEMA_CIM, "CIM_ComputerSystem", system);
    if (!index) {
        instance_number(instance, "IsCurrent", IS_CURRENT);
        instance_reference(instance, "SettingData", SCHEMA_AMT, "AMT_GeneralSettings", general);
    } else {
        unsigned scheme = index - 1;
        const struct scheme_id id = scheme_id(scheme);
        const char *const keys[] = { "InstanceID", id.text, "SchemeGUID", power_scheme_guid(device, scheme),
                                     NULL };

        instance_number(instance, "IsCurrent", scheme == device->power_scheme ? IS_CURRENT : IS_NOT_CURRENT);
        instance_reference(instance, "SettingData", SCHEMA_AMT, "AMT_SystemPowerScheme", keys);
    }
}

/* ---- the host's power ---- */

static void describe_power_service(struct device *device, unsigned index, struct instance *instance)
{
    (void)device;
    (void)index;
    instance_service(instance, "CIM_PowerManagementService", "Intel(r) AMT Power Management Service");
    instance_text(instance, "ElementName", "Intel(r) AMT Power Management Service");
    instance_number(instance, "EnabledState", 5);
    instance_number(instance, "RequestedState", 12);
}

static uint32_t request_power_state(struct call *call, const xmlNode *input, struct text *out)
{
    static const uint32_t offered[] = { 2, 5, 8, 10, 11, 12, 14 };
    struct reference reference;
    uint32_t state = 0;
    bool host = false;

    (void)call;
    (void)out;
    if (value_reference(input, "ManagedElement", &reference)) {
        const char *name = reference_value(&reference, "Name");

        host = name && !strcmp(name, "ManagedSystem");
        reference_release(&reference);
    }
    value_number(input, "PowerState", &state);
    for (size_t i = 0; host && i < LENGTH(offered); i++)
        if (offered[i] == state)
            return AMT_SUCCESS;
    return 5; /* invalid parameter */
}

static const struct parameter power_parameters[] = {
    { "PowerState", TYPE_SHORT, REQUIRED },
    { "ManagedElement", TYPE_REFERENCE, REQUIRED },
    { "Time", TYPE_DATETIME, 0 },
    { "TimeoutPeriod", TYPE_DATETIME, 0 },
    { 0 },
};

static const struct method power_methods[] = {
    { .name = "RequestPowerStateChange", .run = request_power_state, .parameters = power_parameters }, { 0 }
};

static void describe_power_state(struct device *device, unsigned index, struct instance *instance)
{
    static const uint32_t offered[] = { 10, 8, 5, 11, 14, 12 };
    static const char *const service[] = { "CreationClassName",
                                           "CIM_PowerManagementService",
                                           "Name",
                                           "Intel(r) AMT Power Management Service",
                                           "SystemCreationClassName",
                                           "CIM_ComputerSystem",
                                           "SystemName",
                                           "Intel(r) AMT",
                                           NULL };
    static const char *const host[] = { "CreationClassName", "CIM_ComputerSystem", "Name", "ManagedSystem",
                                        NULL };

    (void)device;
    (void)index;
    for (size_t i = 0; i < LENGTH(offered); i++)
        instance_number(instance, "AvailableRequestedPowerStates", offered[i]);
    instance_number(instance, "PowerState", 2);
    instance_reference(instance, "ServiceProvided", SCHEMA_CIM, "CIM_PowerManagementService", service);
    instance_reference(instance, "UserOfService", SCHEMA_CIM, "CIM_ComputerSystem", host);
}

#define REMOTE_CONTROL .read_realms = MAY(REALM_REMOTE_CONTROL), .write_realms = MAY(REALM_REMOTE_CONTROL)

const struct class power_classes[] = {
    { .name = "AMT_SystemPowerScheme",
      .schema = SCHEMA_AMT,
      .keys = { "InstanceID", "SchemeGUID" },
      .count = power_schemes,
      .describe = describe_scheme,
      .methods = scheme_methods,
      .read_realms = MAY(REALM_GENERAL_INFO),
      .write_realms = MAY(REALM_ADMINISTRATION) },
    { .name = "CIM_ElementSettingData",
      .schema = SCHEMA_CIM,
      .count = association_count,
      .describe = describe_association,
      .read_realms = MAY(REALM_GENERAL_INFO) },
    { .name = "CIM_PowerManagementService",
      .schema = SCHEMA_CIM,
      .keys = { "SystemCreationClassName", "SystemName", "CreationClassName", "Name" },
      .describe = describe_power_service,
      .methods = power_methods,
      REMOTE_CONTROL },
    { .name = "CIM_AssociatedPowerManagementService",
      .schema = SCHEMA_CIM,
      .describe = describe_power_state,
      REMOTE_CONTROL },
    { 0 },
};
