#include "firmware/wsman.h"

#include <stdlib.h>
#include <string.h>

#include "firmware/wsman_call.h"

/* As devices report it; other consoles write it without the blank after Endpoint. */
#define ENDPOINT_COLLECTION "TLSProtocolEndpoint Instances Collection"

static const struct wsman_class endpoint_collection = {
    "AMT_TLSProtocolEndpointCollection",
    "collection",
    "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_TLSProtocolEndpointCollection",
    { NULL }
};

READER(tlscred__instance)
READER(tls__instance)

/* ---- AMT_TLSCredentialContext ---- */

static bool credential_take(void *context, const void *instance, struct error *err)
{
    const struct tlscred__instance *got = instance;
    struct tls_credential *credential = context;
    const char *id = reference_selector(got->ElementInContext, "InstanceID");

    if (!id || !text_take(credential->certificate_id, sizeof(credential->certificate_id), id) ||
        !text_take(credential->collection, sizeof(credential->collection),
                   reference_selector(got->ElementProvidingContext, "ElementName")))
        return wsman_malformed(&class_tlscred, "Pull", "a reference without a key of reasonable length", err);
    credential->present = true;
    return true;
}

bool wsman_tls_credential_get(struct connection *connection, struct tls_credential *credential,
                              struct error *err)
{
    struct tls_credential read = { 0 };

    if (!wsman_enumerate(connection, &class_tlscred, read_tlscred__instance, credential_take, &read, err))
        return false;
    *credential = read;
    return true;
}

struct credential_body {
    struct reference_room in_context, providing;
    struct tlscred__instance instance;
};

static struct wsman_input credential_input(struct credential_body *body, const char *certificate_id)
{
    body->instance.ElementInContext =
        reference_make(&body->in_context, &class_cert, "InstanceID", certificate_id);
    body->instance.ElementProvidingContext =
        reference_make(&body->providing, &endpoint_collection, "ElementName", ENDPOINT_COLLECTION);
    return (struct wsman_input){ .type = SOAP_TYPE_tlscred__instance, .data = &body->instance };
}

bool wsman_tls_credential_create(struct connection *connection, const char *certificate_id, struct error *err)
{
    struct credential_body body;
    struct wsman_input input = credential_input(&body, certificate_id);

    input.once = true;
    return wsman_create(connection, &class_tlscred, &input, err);
}

bool wsman_tls_credential_replace(struct connection *connection, const char *certificate_id,
                                  struct error *err)
{
    struct credential_body body;
    struct wsman_input input = credential_input(&body, certificate_id);

    return wsman_put(connection, &class_tlscred, &input, err);
}

bool wsman_tls_credential_delete(struct connection *connection, const struct tls_credential *credential,
                                 struct error *err)
{
    AUTO(text_free) char *in_context = reference_xml(&class_cert, "InstanceID", credential->certificate_id);
    AUTO(text_free)
    char *providing = reference_xml(&endpoint_collection, "ElementName", credential->collection);
    struct wsman_input input = { .selectors = { { .name = "ElementInContext", .xml = in_context },
                                                { .name = "ElementProvidingContext", .xml = providing } } };

    return wsman_delete(connection, &class_tlscred, &input, err);
}

/* ---- AMT_TLSSettingData ---- */

static bool setting_take(void *context, const void *instance, struct error *err)
{
    const struct tls__instance *got = instance;
    struct tls_setting_list *list = context;
    struct tls_setting *setting = &list->settings[list->count];

    if (list->count == COUNT_OF(list->settings) || got->__sizeTrustedCN > TLS_TRUSTED_CN_MAX)
        return wsman_malformed(&class_tls, "Pull", "more instances or trusted names than AMT has", err);
    if (!got->InstanceID || !text_take(setting->id, sizeof(setting->id), got->InstanceID) || !got->Enabled)
        return wsman_malformed(&class_tls, "Pull", "no InstanceID of reasonable length, or no Enabled", err);
    for (int i = 0; i < got->__sizeTrustedCN; i++) {
        if (!text_take(setting->trusted_cn[i], WSMAN_NAME_SIZE, got->TrustedCN[i]))
            return wsman_malformed(&class_tls, "Pull", "a TrustedCN is too long", err);
    }
    setting->trusted_cn_count = (size_t)got->__sizeTrustedCN;
    setting->enabled = flag_of(got->Enabled);
    setting->mutual = flag_of(got->MutualAuthentication);
    setting->has_accept_plain = got->AcceptNonSecureConnections != NULL;
    setting->accept_plain = flag_of(got->AcceptNonSecureConnections);
    list->count++;
    return true;
}

bool wsman_tls_settings_list(struct connection *connection, struct tls_setting_list *list, struct error *err)
{
    struct tls_setting_list read = { .count = 0 };

    if (!wsman_enumerate(connection, &class_tls, read_tls__instance, setting_take, &read, err))
        return false;
    *list = read;
    return true;
}

/* room: where a property that the device left out gets its value. */
static bool flag_change(enum xsd__boolean **property, enum change change, enum xsd__boolean *room)
{
    enum xsd__boolean wanted = change == CHANGE_ON ? true_ : false_;

    if (change == CHANGE_NONE || (*property && **property == wanted) || (!*property && wanted == false_))
        return false;
    *room = wanted;
    *property = room;
    return true;
}

static bool names_change(struct tls__instance *instance, const struct tls_setting_change *change, char **room)
{
    bool same = change->trusted_cn_count == (size_t)instance->__sizeTrustedCN;

    if (!change->trusted_cn)
        return false;
    for (size_t i = 0; i < change->trusted_cn_count; i++) {
        room[i] = (char *)change->trusted_cn[i];
        same = same && instance->TrustedCN[i] && strcmp(instance->TrustedCN[i], room[i]) == 0;
    }
    instance->TrustedCN = change->trusted_cn_count ? room : NULL; /* left out: cleared */
    instance->__sizeTrustedCN = (int)change->trusted_cn_count;
    return !same;
}

bool wsman_tls_setting_change(struct connection *connection, const char *id,
                              const struct tls_setting_change *change, bool *changed, struct error *err)
{
    struct tls__instance *got;
    enum xsd__boolean enabled, mutual, plain;
    char *names[TLS_TRUSTED_CN_MAX];
    bool differs = false;

    if (change->trusted_cn_count > TLS_TRUSTED_CN_MAX)
        return error_set(err, ERROR_INPUT, "%zu trusted names; AMT takes %d", change->trusted_cn_count,
                         TLS_TRUSTED_CN_MAX);
    got = wsman_get(connection, &class_tls, id, read_tls__instance, err);
    if (!got)
        return false;
    differs |= flag_change(&got->Enabled, change->enabled, &enabled);
    differs |= flag_change(&got->MutualAuthentication, change->mutual, &mutual);
    differs |= flag_change(&got->AcceptNonSecureConnections, change->accept_plain, &plain);
    differs |= names_change(got, change, names);
    if (differs) {
        struct wsman_input input = { .selectors = { { .name = "InstanceID", .text = id } },
                                     .type = SOAP_TYPE_tls__instance,
                                     .data = got };

        got->NonSecureConnectionsSupported = NULL; /* read-only */
        if (!wsman_put(connection, &class_tls, &input, err))
            return false;
    }
    *changed = differs;
    return true;
}
