#include "eap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_LONGEST = 128, PASSWORD_LONGEST = 32 };

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

bool eap_comparison_valid(const struct eap_settings *eap, int lowest, int highest)
{
    return !eap->server_name || (eap->comparison >= lowest && eap->comparison <= highest);
}

/* The server's is a trusted root, the client's a leaf whose key is in the store. */
static bool kind_fits(struct device *device, int64_t handle, const char *name)
{
    const struct stored_certificate *certificate = device_certificate(device, handle);

    if (!certificate)
        return false;
    return strncmp(name, "Client", 6) ? certificate->trusted_root
                                      : device_key_of(device, certificate) != NULL;
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
    return named != NO_HANDLE && kind_fits(device, named, name);
}

void eap_describe_use(struct instance *instance, int32_t handle, const char *schema, const char *class,
                      const char *instance_id)
{
    char certificate_id[64];
    const char *certificate[] = { "InstanceID", certificate_id, NULL };
    const char *user[] = { "InstanceID", instance_id, NULL };

    snprintf(certificate_id, sizeof(certificate_id), "Intel(r) AMT Certificate: Handle: %d", handle);
    instance_reference(instance, "ElementInContext", SCHEMA_AMT, "AMT_PublicKeyCertificate", certificate);
    instance_reference(instance, "ElementProvidingContext", schema, class, user);
}

bool eap_context_matches(struct device *device, unsigned index, const struct selectors *selectors)
{
    (void)device;
    (void)index;
    return selectors->count == 0;
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
