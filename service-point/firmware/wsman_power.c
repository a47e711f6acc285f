#include "firmware/wsman.h"

#include <string.h>
#include <strings.h>

#include "firmware/wsman_call.h"

#define IS_CURRENT 1

READER(power__instance)
READER(power__out)
READER(esd__instance)

/* "ON in S0, ME Wake in S3, S4-5", "S0, S3/AC": AMT reachable in a sleep state. The numbers of packages
 * differ by release, so the description decides. */
static bool reaches_sleep(const char *description)
{
    return strstr(description, "S3") != NULL || strstr(description, "S4") != NULL ||
           strstr(description, "S5") != NULL;
}

static bool scheme_take(void *context, const void *instance, struct error *err)
{
    const struct power__instance *got = instance;
    struct power_scheme_list *list = context;
    struct power_scheme *scheme = &list->schemes[list->count];

    if (list->count == COUNT_OF(list->schemes))
        return wsman_malformed(&class_power, "Pull", "more schemes than any AMT has", err);
    if (!got->InstanceID || !text_take(scheme->id, sizeof(scheme->id), got->InstanceID) ||
        !text_take(scheme->guid, sizeof(scheme->guid), got->SchemeGUID) ||
        !text_take(scheme->description, sizeof(scheme->description), got->Description))
        return wsman_malformed(&class_power, "Pull", "no InstanceID, or a text is too long", err);
    scheme->sleeping = reaches_sleep(scheme->description);
    list->count++;
    return true;
}

static bool is_power_scheme(const struct wsa__EndpointReference *reference)
{
    return reference && reference->ReferenceParameters &&
           reference->ReferenceParameters->wsman__ResourceURI &&
           strcmp(reference->ReferenceParameters->wsman__ResourceURI, class_power.uri) == 0;
}

static bool current_take(void *context, const void *instance, struct error *err)
{
    const struct esd__instance *got = instance;
    struct power_scheme_list *list = context;
    const char *id;

    (void)err;
    if (!is_power_scheme(got->SettingData) || short_of(got->IsCurrent) != IS_CURRENT)
        return true;
    id = reference_selector(got->SettingData, "InstanceID");
    for (size_t i = 0; id && i < list->count; i++) {
        if (strcmp(list->schemes[i].id, id) == 0) {
            list->schemes[i].active = true;
            list->active_known = true;
        }
    }
    return true;
}

bool wsman_power_schemes_list(struct connection *connection, struct power_scheme_list *list,
                              struct error *err)
{
    struct power_scheme_list read = { .count = 0 };
    struct error no_association = { 0 };

    if (!wsman_enumerate(connection, &class_power, read_power__instance, scheme_take, &read, err))
        return false;
    if (!wsman_enumerate(connection, &class_esd, read_esd__instance, current_take, &read, &no_association) &&
        no_association.code != ERROR_ABSENT) {
        *err = no_association;
        return false;
    }
    *list = read;
    return true;
}

bool wsman_power_scheme_set(struct connection *connection, const struct power_scheme *scheme,
                            struct error *err)
{
    struct wsman_input input = { .selectors = { { .name = "InstanceID", .text = scheme->id },
                                                { .name = *scheme->guid ? "SchemeGUID" : NULL,
                                                  .text = scheme->guid } } };
    struct power__out *out =
        wsman_method(connection, &class_power, "SetPowerScheme", &input, read_power__out, err);

    return out && wsman_returned(&class_power, "SetPowerScheme", out->ReturnValue, err);
}
