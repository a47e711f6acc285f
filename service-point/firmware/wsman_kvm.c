#include "firmware/wsman.h"

#include "firmware/wsman_call.h"

#define KVM_SETTINGS_ID "Intel(r) KVM Redirection Settings"

READER(kvmset__instance)

/* A property that the firmware does not have is left out: a Put with it would be refused. */
static bool flag_becomes(enum xsd__boolean *property, bool wanted)
{
    if (!property || (*property == true_) == wanted)
        return false;
    *property = wanted ? true_ : false_;
    return true;
}

static bool short_becomes(unsigned short *property, unsigned wanted)
{
    if (!wanted || !property || *property == wanted)
        return false;
    *property = (unsigned short)wanted;
    return true;
}

bool wsman_kvm_settings_change(struct connection *connection, const struct kvm_settings_change *change,
                               bool *changed, struct error *err)
{
    struct kvmset__instance *got = wsman_get(connection, &class_kvmset, NULL, read_kvmset__instance, err);
    struct wsman_input input = { .selectors = { { .name = "InstanceID", .text = KVM_SETTINGS_ID } },
                                 .type = SOAP_TYPE_kvmset__instance,
                                 .data = got };
    bool differs = false;

    if (!got)
        return false;
    differs |= flag_becomes(got->Is5900PortEnabled, false);
    differs |= flag_becomes(got->OptInPolicy, change->consent);
    differs |= short_becomes(got->OptInPolicyTimeout, change->consent_timeout_s);
    differs |= short_becomes(got->SessionTimeout, change->session_timeout_min);
    got->EnabledByMEBx = NULL; /* read-only */
    if (differs && !wsman_put(connection, &class_kvmset, &input, err))
        return false;
    *changed = differs;
    return true;
}
