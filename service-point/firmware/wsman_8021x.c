#include "firmware/wsman_network.h"

#include <string.h>

#include "firmware/wsman_call.h"

#define SETTINGS_ID "Intel(r) AMT: 8021X Settings"
#define PROFILE_ID  "Intel(r) AMT 802.1x Profile 0"

/* IPS_IEEE8021xSettings.Enabled */
#define ENABLED_WITH_CERTIFICATES    2
#define DISABLED                     3
#define ENABLED_WITHOUT_CERTIFICATES 6

/* ServerCertificateNameComparison: of AMT_8021XProfile, and in DMTF's numbering of IPS_IEEE8021xSettings */
#define PROFILE_COMPARE_FULL    0
#define PROFILE_COMPARE_SUFFIX  1
#define SETTINGS_COMPARE_FULL   2
#define SETTINGS_COMPARE_SUFFIX 3

READER(wired__instance)
READER(wired__out)
READER(wiredold__instance)
READER(contexti__instance)
READER(contexta__instance)

struct names {
    const char *username, *domain, *roaming_identity, *server_name;
};

static bool names_take(struct stored_eap *eap, const struct names *names)
{
    return text_take(eap->username, sizeof(eap->username), names->username) &&
           text_take(eap->domain, sizeof(eap->domain), names->domain) &&
           text_take(eap->roaming_identity, sizeof(eap->roaming_identity), names->roaming_identity) &&
           text_take(eap->server_name, sizeof(eap->server_name), names->server_name);
}

/* ---- IPS_IEEE8021xSettings ---- */

static bool settings_get(struct connection *connection, struct stored_wired *wired, struct error *err)
{
    struct wired__instance *got = wsman_get(connection, &class_wired, NULL, read_wired__instance, err);
    struct stored_wired read = { .class = WIRED_SETTINGS };

    if (!got)
        return false;
    if (!got->Enabled ||
        !names_take(&read.eap, &(struct names){ got->Username, got->Domain, got->RoamingIdentity,
                                                got->ServerCertificateName }))
        return wsman_malformed(&class_wired, "Get", "no Enabled, or a name is too long", err);
    read.enabled = *got->Enabled != DISABLED;
    read.eap.protocol = short_of(got->AuthenticationProtocol);
    read.eap.suffix_match = short_of(got->ServerCertificateNameComparison) == SETTINGS_COMPARE_SUFFIX;
    read.pxe_timeout_s = number_of(got->PxeTimeout);
    read.active_in_s0 = flag_of(got->AvailableInS0);
    *wired = read;
    return true;
}

static bool certificates_set(struct connection *connection, const struct network_certificates *certificates,
                             struct error *err)
{
    static const char method[] = "SetCertificates";
    struct reference_room root, client;
    struct wired__in in = { 0 };
    struct wsman_input input = { .type = SOAP_TYPE_wired__in, .data = &in };
    struct wired__out *out;

    if (certificates->root)
        in.ServerCertificateIssuer = reference_make(&root, &class_cert, "InstanceID", certificates->root);
    if (certificates->client)
        in.ClientCertificate = reference_make(&client, &class_cert, "InstanceID", certificates->client);
    out = wsman_method(connection, &class_wired, method, &input, read_wired__out, err);
    return out && wsman_returned(&class_wired, method, out->ReturnValue, err);
}

/* Properties of another protocol that it had before are left out with the rest. */
static bool settings_set(struct connection *connection, const struct wired_8021x *wanted,
                         const struct network_certificates *certificates, struct error *err)
{
    const struct eap_settings *eap = wanted->eap;
    unsigned short protocol = eap ? (unsigned short)eap->protocol : 0;
    unsigned short comparison =
        eap && eap->server_name_match == SERVER_NAME_SUFFIX ? SETTINGS_COMPARE_SUFFIX : SETTINGS_COMPARE_FULL;
    unsigned enabled = !eap                       ? DISABLED
                       : eap->protocol == EAP_TLS ? ENABLED_WITH_CERTIFICATES
                                                  : ENABLED_WITHOUT_CERTIFICATES;
    unsigned pxe_timeout_s = wanted->pxe_timeout_s;
    enum xsd__boolean in_s0 = wanted->active_in_s0 ? true_ : false_;
    struct wired__instance instance = { .AvailableInS0 = &in_s0,
                                        .ElementName = (char *)SETTINGS_ID,
                                        .Enabled = &enabled,
                                        .InstanceID = (char *)SETTINGS_ID,
                                        .PxeTimeout = &pxe_timeout_s };
    struct wsman_input input = { .selectors = { { .name = "InstanceID", .text = SETTINGS_ID } },
                                 .type = SOAP_TYPE_wired__instance,
                                 .data = &instance };

    if (eap) {
        instance.AuthenticationProtocol = &protocol;
        instance.Username = eap->username;
        instance.Password = eap->password ? (char *)secret_reveal(eap->password) : NULL;
        instance.Domain = eap->domain;
        instance.RoamingIdentity = eap->roaming_identity;
        instance.ServerCertificateName = eap->server_name;
        instance.ServerCertificateNameComparison = eap->server_name ? &comparison : NULL;
    }
    return wsman_put(connection, &class_wired, &input, err) &&
           (!eap || certificates_set(connection, certificates, err));
}

/* ---- AMT_8021XProfile ---- */

static bool profile_get(struct connection *connection, struct stored_wired *wired, struct error *err)
{
    struct wiredold__instance *got =
        wsman_get(connection, &class_wiredold, NULL, read_wiredold__instance, err);
    struct stored_wired read = { .class = WIRED_PROFILE };

    if (!got)
        return false;
    if (!got->Enabled ||
        !names_take(&read.eap, &(struct names){ got->Username, got->Domain, got->RoamingIdentity,
                                                got->ServerCertificateName }))
        return wsman_malformed(&class_wiredold, "Get", "no Enabled, or a name is too long", err);
    read.enabled = flag_of(got->Enabled);
    read.eap.protocol = short_of(got->AuthenticationProtocol);
    read.eap.suffix_match = short_of(got->ServerCertificateNameComparison) == PROFILE_COMPARE_SUFFIX;
    read.pxe_timeout_s = number_of(got->PxeTimeout);
    read.active_in_s0 = flag_of(got->ActiveInS0);
    *wired = read;
    return true;
}

/* The references go with every Put, because no Get returns them. */
static bool profile_set(struct connection *connection, const struct wired_8021x *wanted,
                        const struct network_certificates *certificates, struct error *err)
{
    const struct eap_settings *eap = wanted->eap;
    unsigned short protocol = eap ? (unsigned short)eap->protocol : 0;
    unsigned short comparison =
        eap && eap->server_name_match == SERVER_NAME_SUFFIX ? PROFILE_COMPARE_SUFFIX : PROFILE_COMPARE_FULL;
    unsigned pxe_timeout_s = wanted->pxe_timeout_s;
    enum xsd__boolean enabled = eap ? true_ : false_, in_s0 = wanted->active_in_s0 ? true_ : false_;
    struct reference_room root, client;
    struct wiredold__instance instance = { .ActiveInS0 = &in_s0,
                                           .ElementName = (char *)"Intel(r) AMT 802.1x Profile",
                                           .Enabled = &enabled,
                                           .InstanceID = (char *)PROFILE_ID,
                                           .PxeTimeout = &pxe_timeout_s };
    struct wsman_input input = { .selectors = { { .name = "InstanceID", .text = PROFILE_ID } },
                                 .type = SOAP_TYPE_wiredold__instance,
                                 .data = &instance };

    if (eap) {
        instance.AuthenticationProtocol = &protocol;
        instance.Username = eap->username;
        instance.Password = eap->password ? (char *)secret_reveal(eap->password) : NULL;
        instance.Domain = eap->domain;
        instance.RoamingIdentity = eap->roaming_identity;
        instance.ServerCertificateName = eap->server_name;
        instance.ServerCertificateNameComparison = eap->server_name ? &comparison : NULL;
        if (certificates->root)
            instance.ServerCertificateIssuer =
                reference_make(&root, &class_cert, "InstanceID", certificates->root);
        if (certificates->client)
            instance.ClientCertificate =
                reference_make(&client, &class_cert, "InstanceID", certificates->client);
    }
    return wsman_put(connection, &class_wiredold, &input, err);
}

/* ---- either ---- */

bool wsman_wired_get(struct connection *connection, struct stored_wired *wired, struct error *err)
{
    return settings_get(connection, wired, err) ||
           (err->code == ERROR_ABSENT && profile_get(connection, wired, err));
}

bool wsman_wired_set(struct connection *connection, enum wired_class class, const struct wired_8021x *wanted,
                     const struct network_certificates *certificates, struct error *err)
{
    return class == WIRED_PROFILE ? profile_set(connection, wanted, certificates, err)
                                  : settings_set(connection, wanted, certificates, err);
}

static bool use_add(struct certificate_use_list *list, const struct wsman_class *class,
                    const struct wsa__EndpointReference *certificate, struct error *err)
{
    const char *id = reference_selector(certificate, "InstanceID");
    struct certificate_use *use = &list->uses[list->count];

    if (list->count == COUNT_OF(list->uses))
        return wsman_malformed(class, "Pull", "more instances than any AMT has", err);
    *use = (struct certificate_use){ .wired = true };
    if (!id || !text_take(use->certificate_id, sizeof(use->certificate_id), id))
        return wsman_malformed(class, "Pull", "no InstanceID of reasonable length", err);
    list->count++;
    return true;
}

static bool settings_use_take(void *context, const void *instance, struct error *err)
{
    const struct contexti__instance *got = instance;

    return use_add(context, &class_contexti, got->ElementInContext, err);
}

static bool profile_use_take(void *context, const void *instance, struct error *err)
{
    const struct contexta__instance *got = instance;

    return use_add(context, &class_contexta, got->ElementInContext, err);
}

bool wsman_wired_uses(struct connection *connection, enum wired_class class,
                      struct certificate_use_list *list, struct error *err)
{
    return class == WIRED_PROFILE ? wsman_enumerate(connection, &class_contexta, read_contexta__instance,
                                                    profile_use_take, list, err)
                                  : wsman_enumerate(connection, &class_contexti, read_contexti__instance,
                                                    settings_use_take, list, err);
}
