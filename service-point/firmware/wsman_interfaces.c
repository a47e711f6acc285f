#include "firmware/wsman.h"

#include <string.h>

#include "common/reason.h"
#include "firmware/wsman_call.h"

/* EnabledState and RequestedState of CIM */
#define STATE_ENABLED             2
#define STATE_DISABLED            3
#define STATE_ENABLED_BUT_OFFLINE 6
/* and of AMT_RedirectionService: a base and two bits */
#define REDIRECTION_BASE 32768
#define REDIRECTION_IDER 1
#define REDIRECTION_SOL  2

READER(redir__instance)
READER(redir__out)
READER(web__instance)
READER(web__out)
READER(kvm__instance)
READER(kvm__out)
READER(optin__instance)

/* ---- AMT_RedirectionService ---- */

static bool redirection_read(struct connection *connection, struct redir__instance **got, struct error *err)
{
    *got = wsman_get(connection, &class_redir, NULL, read_redir__instance, err);
    if (*got && !(*got)->EnabledState)
        return wsman_malformed(&class_redir, "Get", "it has no EnabledState", err);
    return *got != NULL;
}

bool wsman_redirection_get(struct connection *connection, struct redirection *redirection, struct error *err)
{
    struct redir__instance *got;
    unsigned bits;

    if (!redirection_read(connection, &got, err))
        return false;
    bits = *got->EnabledState >= REDIRECTION_BASE ? *got->EnabledState - REDIRECTION_BASE : 0;
    redirection->ide_redirection = bits & REDIRECTION_IDER;
    redirection->serial_over_lan = bits & REDIRECTION_SOL;
    redirection->listener = flag_of(got->ListenerEnabled);
    return true;
}

static bool redirection_request(struct connection *connection, unsigned short state, struct error *err)
{
    struct redir__in in = { &state };
    struct wsman_input input = { .type = SOAP_TYPE_redir__in, .data = &in };
    struct redir__out *out =
        wsman_method(connection, &class_redir, "RequestStateChange", &input, read_redir__out, err);

    return out && wsman_returned(&class_redir, "RequestStateChange", out->ReturnValue, err);
}

bool wsman_redirection_set(struct connection *connection, const struct redirection *redirection,
                           bool *changed, struct error *err)
{
    unsigned short state =
        (unsigned short)(REDIRECTION_BASE + (redirection->ide_redirection ? REDIRECTION_IDER : 0) +
                         (redirection->serial_over_lan ? REDIRECTION_SOL : 0));
    enum xsd__boolean listener = redirection->listener ? true_ : false_;
    struct redir__instance *got;
    bool differs;

    if (!redirection_read(connection, &got, err))
        return false;
    differs = *got->EnabledState != state || flag_of(got->ListenerEnabled) != redirection->listener;
    if (differs) {
        struct wsman_input input = { .type = SOAP_TYPE_redir__instance };

        if (!redirection_request(connection, state, err) || !redirection_read(connection, &got, err))
            return false;
        got->EnabledState = &state;
        got->ListenerEnabled = &listener;
        input.data = got;
        if (!wsman_put(connection, &class_redir, &input, err))
            return false;
    }
    *changed = differs;
    return true;
}

/* ---- AMT_WebUIService ---- */

static bool state_is_on(const unsigned short *state)
{
    return state && (*state == STATE_ENABLED || *state == STATE_ENABLED_BUT_OFFLINE);
}

bool wsman_web_interface_get(struct connection *connection, bool *enabled, struct error *err)
{
    struct web__instance *got = wsman_get(connection, &class_web, NULL, read_web__instance, err);

    if (!got)
        return false;
    *enabled = state_is_on(got->EnabledState);
    return true;
}

bool wsman_web_interface_set(struct connection *connection, bool enabled, struct error *err)
{
    unsigned short state = enabled ? STATE_ENABLED : STATE_DISABLED;
    struct web__in in = { &state };
    struct wsman_input input = { .type = SOAP_TYPE_web__in, .data = &in };
    struct web__out *out =
        wsman_method(connection, &class_web, "RequestStateChange", &input, read_web__out, err);

    return out && wsman_returned(&class_web, "RequestStateChange", out->ReturnValue, err);
}

/* ---- CIM_KVMRedirectionSAP ---- */

bool wsman_kvm_get(struct connection *connection, bool *enabled, struct error *err)
{
    struct kvm__instance *got = wsman_get(connection, &class_kvm, NULL, read_kvm__instance, err);

    if (!got)
        return false;
    *enabled = state_is_on(got->EnabledState);
    return true;
}

bool wsman_kvm_set(struct connection *connection, bool enabled, struct error *err)
{
    unsigned short state = enabled ? STATE_ENABLED : STATE_DISABLED;
    struct kvm__in in = { &state };
    struct wsman_input input = { .type = SOAP_TYPE_kvm__in, .data = &in };
    struct kvm__out *out =
        wsman_method(connection, &class_kvm, "RequestStateChange", &input, read_kvm__out, err);

    return out && wsman_returned(&class_kvm, "RequestStateChange", out->ReturnValue, err);
}

/* ---- IPS_OptInService ---- */

static bool optin_read(struct connection *connection, struct optin__instance **got, struct error *err)
{
    *got = wsman_get(connection, &class_optin, NULL, read_optin__instance, err);
    if (*got && !(*got)->OptInRequired)
        return wsman_malformed(&class_optin, "Get", "it has no OptInRequired", err);
    return *got != NULL;
}

bool wsman_consent_get(struct connection *connection, struct consent *consent, struct error *err)
{
    struct optin__instance *got;

    if (!optin_read(connection, &got, err))
        return false;
    consent->required = *got->OptInRequired;
    consent->changeable = byte_of(got->CanModifyOptInPolicy) == 1;
    return true;
}

bool wsman_consent_set(struct connection *connection, uint32_t required, bool *changed, struct error *err)
{
    struct wsman_input input = { .type = SOAP_TYPE_optin__instance };
    struct optin__instance *got;

    if (!optin_read(connection, &got, err))
        return false;
    if (*got->OptInRequired == required) {
        *changed = false;
        return true;
    }
    if (byte_of(got->CanModifyOptInPolicy) != 1)
        return error_because(
            err, REASON_NOT_PERMITTED,
            "IPS_OptInService: the user consent policy is locked (in MEBx, or by client control mode)");
    *got->OptInRequired = required;
    got->CanModifyOptInPolicy = NULL; /* read-only, as OptInState is */
    got->OptInState = NULL;
    input.data = got;
    if (!wsman_put(connection, &class_optin, &input, err))
        return false;
    *changed = true;
    return true;
}
