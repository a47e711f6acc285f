#include "eap.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_LONGEST = 128, PASSWORD_LONGEST = 64 };

static bool short_enough(const char *text, size_t longest)
{
    return !text || strlen(text) <= longest;
}

bool eap_read(const xmlNode *node, struct eap_settings *eap)
{
    uint32_t number;

    if (value_number(node, "AuthenticationProtocol", &number))
        eap->protocol = (int)number;
    if (value_number(node, "ServerCertificateNameComparison", &number))
        eap->comparison = (int)number;
    eap->user = value_text(node, "Username");
    eap->password = value_text(node, "Password");
    eap->domain = value_text(node, "Domain");
    eap->roaming_identity = value_text(node, "RoamingIdentity");
    eap->server_name = value_text(node, "ServerCertificateName");
    eap->pac_password = value_text(node, "PACPassword");
    return eap->protocol <= EAP_PROTOCOL_HIGHEST && short_enough(eap->user, NAME_LONGEST) &&
           short_enough(eap->domain, NAME_LONGEST) && short_enough(eap->password, PASSWORD_LONGEST);
}

void eap_describe(const struct eap_settings *eap, struct instance *instance)
{
    if (eap->protocol != NO_HANDLE)
        instance_number(instance, "AuthenticationProtocol", (uint32_t)eap->protocol);
    instance_text(instance, "Username", eap->user);
    instance_text(instance, "Domain", eap->domain);
    instance_text(instance, "RoamingIdentity", eap->roaming_identity);
    instance_text(instance, "ServerCertificateName", eap->server_name);
    if (eap->server_name)
        instance_number(instance, "ServerCertificateNameComparison", (uint32_t)eap->comparison);
}

bool eap_read_certificate(struct device *device, const xmlNode *parent, const char *name, int32_t *handle)
{
    struct reference reference;
    int64_t named = NO_HANDLE;

    if (!value_node(parent, name)) {
        *handle = NO_HANDLE;
        return true;
    }
    if (!value_reference(parent, name, &reference))
        return false;
    if (!strcmp(class_of(reference.resource), "AMT_PublicKeyCertificate"))
        named = handle_of(reference_value(&reference, "InstanceID"), "Intel(r) AMT Certificate: Handle: ");
    reference_release(&reference);
    *handle = (int32_t)named;
    return named != NO_HANDLE && device_certificate(device, named);
}

bool eap_complete(const struct eap_settings *eap)
{
    switch (eap->protocol) {
    case NO_HANDLE:
        return false;
    case EAP_TLS:
        return eap->client_certificate != NO_HANDLE && eap->ca_certificate != NO_HANDLE && eap->user;
    case EAP_FAST_TLS:
        return eap->client_certificate != NO_HANDLE && eap->user;
    case EAP_TTLS_MSCHAPV2:
    case EAP_PEAP_MSCHAPV2:
        return eap->user && eap->password && eap->ca_certificate != NO_HANDLE;
    default:
        return eap->user && eap->password;
    }
}
