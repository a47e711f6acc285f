/*
 * class_crl.c - revoked certificates of clients in mutual authentication: AMT_CRL and the methods of
 * AMT_PublicKeyManagementService that write it. They count at once [inferred].
 */
#include "encoding.h"
#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char crl_prefix[] = "Intel(r) AMT CRL: Handle: "; /* [inferred] from those of keys */

static unsigned count_lists(const struct device *device)
{
    unsigned count = 0;

    while (count < CRL_MAX && device->revocations[count].url)
        count++;
    return count;
}

static size_t length_of(const struct revocations *list)
{
    size_t length = strlen(list->url);

    for (unsigned i = 0; i < list->count; i++)
        length += strlen(list->serials[i]) / 4 * 3;
    return length;
}

static bool is_serial(const char *text)
{
    unsigned char *bytes = NULL;
    size_t length = 0;
    bool is = base64_decode(text, &bytes, &length) && length > 0 && length <= SERIAL_MAX_LENGTH;

    free(bytes);
    return is;
}

static enum amt_status read_serials(const xmlNode *input, struct revocations *list)
{
    enum amt_status status = AMT_SUCCESS;

    for (const xmlNode *node = node_first(input); node; node = node_next(node)) {
        if (strcmp((const char *)node->name, "SerialNumbers"))
            continue;
        list->serials = reallocate(list->serials, (list->count + 1) * sizeof(char *));
        list->serials[list->count++] = node_text(node);
        if (!is_serial(list->serials[list->count - 1]))
            status = AMT_INVALID_PARAMETER;
    }
    return status;
}

uint32_t keys_add_crl(struct call *call, const xmlNode *input, struct text *out)
{
    struct device *device = call->device;
    unsigned place = count_lists(device);
    struct revocations *list = &device->revocations[place];
    enum amt_status status;
    size_t length = 0;
    char id[64];
    const char *selectors[] = { "InstanceID", id, NULL };

    if (place == CRL_MAX)
        return AMT_MAX_LIMIT_REACHED;
    list->url = value_text(input, "Url");
    if (!list->url)
        list->url = duplicate("");
    status = read_serials(input, list);
    for (unsigned i = 0; i <= place; i++)
        length += length_of(&device->revocations[i]);
    if (!status && length > REVOCATIONS_LONGEST)
        status = AMT_MAX_LIMIT_REACHED;
    if (status) {
        device_forget_revocations_from(device, place);
        return (uint32_t)status;
    }
    snprintf(id, sizeof(id), "%s%u", crl_prefix, place);
    text_append(out, "<g:CRL>");
    reference_write(out, SCHEMA_AMT, "AMT_CRL", selectors);
    text_append(out, "</g:CRL>");
    return AMT_SUCCESS;
}

uint32_t keys_reset_crls(struct call *call, const xmlNode *input, struct text *out)
{
    (void)input;
    (void)out;
    device_forget_revocations(call->device);
    return AMT_SUCCESS;
}

static void describe_crl(struct device *device, unsigned index, struct instance *instance)
{
    const struct revocations *list = &device->revocations[index];
    char id[64];

    snprintf(id, sizeof(id), "%s%u", crl_prefix, index);
    instance_text(instance, "InstanceID", id);
    for (unsigned i = 0; i < list->count; i++)
        instance_text(instance, "SerialNumbers", list->serials[i]);
    instance_text(instance, "Url", list->url);
}

const struct class crl_classes[] = {
    { .name = "AMT_CRL",
      .schema = SCHEMA_AMT,
      .keys = { "InstanceID" },
      .count = count_lists,
      .describe = describe_crl,
      .read_realms = MAY(REALM_ADMINISTRATION),
      .write_realms = MAY(REALM_ADMINISTRATION) },
    { 0 },
};
