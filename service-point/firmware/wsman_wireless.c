#include "firmware/wsman_network.h"

#include <stdio.h>
#include <string.h>

#include "firmware/status.h"
#include "firmware/wsman_call.h"

#define ENDPOINT_NAME     "WiFi Endpoint 0"
#define PROFILE_ID_PREFIX "Intel(r) AMT:WiFi Endpoint Settings "
#define EAP_ID_PREFIX     "Intel(r) AMT:IEEE 802.1x Settings"

/* CIM_IEEE8021xSettings.ServerCertificateNameComparison, in the numbering of DMTF's schema */
#define COMPARE_FULL   2
#define COMPARE_SUFFIX 3

static const struct wsman_class endpoint = {
    "CIM_WiFiEndpoint",
    "endpoint",
    "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_WiFiEndpoint",
    { NULL }
};

READER(wifiport__instance)
READER(wifiport__out)
READER(wifiset__instance)
READER(wifisvc__instance)
READER(wifisvc__out)
READER(eap__instance)
READER(context__instance)

/* ---- CIM_WiFiPort ---- */

bool wsman_wireless_port_get(struct connection *connection, struct wireless_port *port, struct error *err)
{
    struct wifiport__instance *got =
        wsman_get(connection, &class_wifiport, NULL, read_wifiport__instance, err);
    const char *address;

    if (!got)
        return false;
    if (!got->EnabledState)
        return wsman_malformed(&class_wifiport, "Get", "it has no EnabledState", err);
    address = got->PermanentAddress ? got->PermanentAddress : "";
    port->state = *got->EnabledState;
    port->is_real = strspn(address, "0:-") != strlen(address);
    return true;
}

bool wsman_wireless_port_set(struct connection *connection, unsigned state, struct error *err)
{
    static const char method[] = "RequestStateChange";
    unsigned short requested = (unsigned short)state;
    struct wifiport__in in = { &requested };
    struct wsman_input input = { .type = SOAP_TYPE_wifiport__in, .data = &in };
    struct wifiport__out *out =
        wsman_method(connection, &class_wifiport, method, &input, read_wifiport__out, err);

    return out && wsman_returned(&class_wifiport, method, out->ReturnValue, err);
}

/* ---- reading profiles ---- */

static bool same_text(const char *stored, const char *wanted)
{
    return strcmp(stored, wanted ? wanted : "") == 0;
}

bool stored_eap_fits(const struct stored_eap *stored, const struct eap_settings *wanted)
{
    return stored->protocol == (unsigned)wanted->protocol && same_text(stored->username, wanted->username) &&
           same_text(stored->domain, wanted->domain) &&
           same_text(stored->roaming_identity, wanted->roaming_identity) &&
           same_text(stored->server_name, wanted->server_name) &&
           (!wanted->server_name ||
            stored->suffix_match == (wanted->server_name_match == SERVER_NAME_SUFFIX));
}

static bool profile_take(void *context, const void *instance, struct error *err)
{
    const struct wifiset__instance *got = instance;
    struct stored_wireless_list *list = context;
    struct stored_wireless *profile = &list->profiles[list->count];

    if (list->count == COUNT_OF(list->profiles))
        return wsman_malformed(&class_wifiset, "Pull", "more profiles than any AMT has", err);
    *profile = (struct stored_wireless){ .priority = byte_of(got->Priority),
                                         .authentication = short_of(got->AuthenticationMethod),
                                         .encryption = short_of(got->EncryptionMethod) };
    if (!text_take(profile->id, sizeof(profile->id), got->InstanceID) ||
        !text_take(profile->name, sizeof(profile->name), got->ElementName) ||
        !text_take(profile->ssid, sizeof(profile->ssid), got->SSID))
        return wsman_malformed(&class_wifiset, "Pull", "a name or SSID is too long", err);
    list->count++;
    return true;
}

/* Some firmware ends the InstanceID with the profile's name, some says it in ElementName alone. */
static bool eap_is_of(const char *id, const char *name)
{
    size_t prefix = strlen(EAP_ID_PREFIX);

    if (strncmp(id, EAP_ID_PREFIX, prefix) != 0)
        return strcmp(id, name) == 0;
    return id[prefix] == ' ' && strcmp(id + prefix + 1, name) == 0;
}

static bool eap_take(void *context, const void *instance, struct error *err)
{
    const struct eap__instance *got = instance;
    struct stored_wireless_list *list = context;

    for (size_t i = 0; i < list->count; i++) {
        struct stored_wireless *profile = &list->profiles[i];
        struct stored_eap *eap = &profile->eap;

        if (!(got->InstanceID && eap_is_of(got->InstanceID, profile->name)) &&
            !(got->ElementName && eap_is_of(got->ElementName, profile->name)))
            continue;
        if (!text_take(eap->username, sizeof(eap->username), got->Username) ||
            !text_take(eap->domain, sizeof(eap->domain), got->Domain) ||
            !text_take(eap->roaming_identity, sizeof(eap->roaming_identity), got->RoamingIdentity) ||
            !text_take(eap->server_name, sizeof(eap->server_name), got->ServerCertificateName))
            return wsman_malformed(&class_eap, "Pull", "a name is too long", err);
        eap->protocol = short_of(got->AuthenticationProtocol);
        eap->suffix_match = short_of(got->ServerCertificateNameComparison) == COMPARE_SUFFIX;
        profile->has_eap = true;
    }
    return true;
}

static bool any_8021x(const struct stored_wireless_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->profiles[i].authentication == WIRELESS_WPA_8021X ||
            list->profiles[i].authentication == WIRELESS_WPA2_8021X)
            return true;
    }
    return false;
}

bool wsman_wireless_list(struct connection *connection, struct stored_wireless_list *list, struct error *err)
{
    list->count = 0;
    return wsman_enumerate(connection, &class_wifiset, read_wifiset__instance, profile_take, list, err) &&
           (!any_8021x(list) ||
            wsman_enumerate(connection, &class_eap, read_eap__instance, eap_take, list, err));
}

bool wsman_wireless_delete(struct connection *connection, const char *id, struct error *err)
{
    struct wsman_input input = { .selectors = { { .name = "InstanceID", .text = id } } };

    return wsman_delete(connection, &class_wifiset, &input, err);
}

/* ---- writing profiles ---- */

struct profile_body {
    char id[WSMAN_ID_SIZE];
    unsigned short authentication, encryption, protocol, comparison;
    unsigned char priority;
    struct wifiset__instance settings;
    struct eap__instance eap;
    struct reference_room target, client, root;
    struct wifisvc__in in;
};

static void eap_fill(struct profile_body *body, const struct wireless_profile *profile)
{
    const struct eap_settings *eap = profile->eap;

    body->protocol = (unsigned short)eap->protocol;
    body->comparison = eap->server_name_match == SERVER_NAME_SUFFIX ? COMPARE_SUFFIX : COMPARE_FULL;
    body->eap = (struct eap__instance){
        .AuthenticationProtocol = &body->protocol,
        .Domain = eap->domain,
        .ElementName = profile->name,
        .InstanceID = profile->name,
        .Password = eap->password ? (char *)secret_reveal(eap->password) : NULL,
        .RoamingIdentity = eap->roaming_identity,
        .ServerCertificateName = eap->server_name,
        .ServerCertificateNameComparison = eap->server_name ? &body->comparison : NULL,
        .Username = eap->username,
    };
    body->in.IEEE8021xSettingsInput = &body->eap;
}

/* Unused references are left out: an empty one is refused. */
static void body_fill(struct profile_body *body, const struct wireless_profile *profile,
                      const struct network_certificates *certificates)
{
    memset(body, 0, sizeof(*body));
    snprintf(body->id, sizeof(body->id), PROFILE_ID_PREFIX "%s", profile->name);
    body->authentication = (unsigned short)profile->authentication;
    body->encryption = (unsigned short)profile->encryption;
    body->priority = (unsigned char)profile->priority;
    body->settings = (struct wifiset__instance){
        .AuthenticationMethod = &body->authentication,
        .ElementName = profile->name,
        .EncryptionMethod = &body->encryption,
        .InstanceID = body->id,
        .PSKPassPhrase = profile->passphrase ? (char *)secret_reveal(profile->passphrase) : NULL,
        .Priority = &body->priority,
        .SSID = profile->ssid,
    };
    body->in.WiFiEndpointSettingsInput = &body->settings;
    if (profile->eap)
        eap_fill(body, profile);
    if (certificates->client)
        body->in.ClientCredential =
            reference_make(&body->client, &class_cert, "InstanceID", certificates->client);
    if (certificates->root)
        body->in.CACredential = reference_make(&body->root, &class_cert, "InstanceID", certificates->root);
}

static bool profile_write(struct connection *connection, const char *method, struct profile_body *body,
                          bool once, struct error *err)
{
    struct wsman_input input = { .type = SOAP_TYPE_wifisvc__in, .data = &body->in, .once = once };
    struct wifisvc__out *out =
        wsman_method(connection, &class_wifisvc, method, &input, read_wifisvc__out, err);

    return out && wsman_returned(&class_wifisvc, method, out->ReturnValue, err);
}

bool wsman_wireless_add(struct connection *connection, const struct wireless_profile *profile,
                        const struct network_certificates *certificates, struct error *err)
{
    struct profile_body body;

    body_fill(&body, profile, certificates);
    body.in.WiFiEndpoint = reference_make(&body.target, &endpoint, "Name", ENDPOINT_NAME);
    return profile_write(connection, "AddWiFiSettings", &body, true, err);
}

bool wsman_wireless_replace(struct connection *connection, const char *id,
                            const struct wireless_profile *profile,
                            const struct network_certificates *certificates, struct error *err)
{
    struct profile_body body;

    body_fill(&body, profile, certificates);
    body.in.WiFiEndpointSettings = reference_make(&body.target, &class_wifiset, "InstanceID", id);
    return profile_write(connection, "UpdateWiFiSettings", &body, false, err);
}

/* ---- synchronisation with the host ---- */

/* AMT SDK: localProfileSynchronizationEnabled; 2 is for vendors, 3 came with AMT 14 or 15. */
static const unsigned synchronization_values[] = {
    [SYNCHRONIZE_OFF] = 0, [SYNCHRONIZE_USER] = 1, [SYNCHRONIZE_ALL] = 3
};

static bool synchronization_put(struct connection *connection, enum wireless_synchronization wanted,
                                bool *changed, struct error *err)
{
    struct wifisvc__instance *got = wsman_get(connection, &class_wifisvc, NULL, read_wifisvc__instance, err);
    unsigned value = synchronization_values[wanted];
    struct wsman_input input = { .type = SOAP_TYPE_wifisvc__instance, .data = got };

    if (!got)
        return false;
    *changed = number_of(got->localProfileSynchronizationEnabled) != value;
    got->localProfileSynchronizationEnabled = &value;
    return !*changed || wsman_put(connection, &class_wifisvc, &input, err);
}

bool wsman_wireless_synchronize(struct connection *connection, enum wireless_synchronization wanted,
                                enum wireless_synchronization *given, bool *changed, struct error *err)
{
    bool put = synchronization_put(connection, wanted, changed, err);

    *given = wanted;
    if (!put && wanted == SYNCHRONIZE_ALL && status_is_refusal(err)) {
        *given = SYNCHRONIZE_USER;
        put = synchronization_put(connection, SYNCHRONIZE_USER, changed, err);
    }
    return put;
}

/* ---- CIM_CredentialContext ---- */

static bool use_take(void *context, const void *instance, struct error *err)
{
    const struct context__instance *got = instance;
    struct certificate_use_list *list = context;
    struct certificate_use *use = &list->uses[list->count];
    const char *user = reference_selector(got->ElementProvidingContext, "InstanceID");
    const char *certificate = reference_selector(got->ElementInContext, "InstanceID");

    if (!user || !certificate) /* of the TLS server, or of something else that has other keys */
        return true;
    if (list->count == COUNT_OF(list->uses))
        return wsman_malformed(&class_context, "Pull", "more instances than any AMT has", err);
    *use = (struct certificate_use){ .wired = false };
    if (!text_take(use->certificate_id, sizeof(use->certificate_id), certificate) ||
        !text_take(use->user_id, sizeof(use->user_id), user))
        return wsman_malformed(&class_context, "Pull", "an InstanceID is too long", err);
    list->count++;
    return true;
}

bool wsman_wireless_uses(struct connection *connection, struct certificate_use_list *list, struct error *err)
{
    return wsman_enumerate(connection, &class_context, read_context__instance, use_take, list, err);
}

bool certificate_use_is_of(const struct certificate_use *use, const char *profile_name)
{
    return !use->wired && eap_is_of(use->user_id, profile_name);
}
