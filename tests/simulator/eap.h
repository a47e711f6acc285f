/*
 * eap.h - IEEE 802.1X parameters as WS-Man instances carry them, wired and wireless alike.
 */
#ifndef SIMULATOR_EAP_H
#define SIMULATOR_EAP_H

#include "class.h"

enum eap_protocol {
    EAP_TLS = 0,
    EAP_TTLS_MSCHAPV2 = 1,
    EAP_PEAP_MSCHAPV2 = 2,
    EAP_PROTOCOL_HIGHEST = 10,
    EAP_FAST_TLS = 10,
};

/* Reads what an instance element has; certificates are not in it. False: a value out of range. */
bool eap_read(const xmlNode *node, struct eap_settings *eap);
void eap_describe(const struct eap_settings *eap, struct instance *instance); /* without what is write-only */
/* ServerCertificateNameComparison, whose numbers differ between the classes. */
bool eap_comparison_valid(const struct eap_settings *eap, int lowest, int highest);
/* The handle of a certificate parameter; NO_HANDLE when it is absent. False: it names no stored certificate
 * of its kind, trusted root or leaf with key. */
bool eap_read_certificate(struct device *device, const xmlNode *parent, const char *name, int32_t *handle);
/* An instance of CIM_CredentialContext and its kind: which settings use this certificate. */
void eap_describe_use(struct instance *instance, int32_t handle, const char *schema, const char *class,
                      const char *instance_id);
/* These associations are only enumerated: no references are compared. */
bool eap_context_matches(struct device *device, unsigned index, const struct selectors *selectors);
/* Everything the protocol needs is there. */
bool eap_complete(const struct eap_settings *eap);

#endif
