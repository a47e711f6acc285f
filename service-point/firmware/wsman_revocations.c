#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "firmware/wsman.h"
#include "firmware/wsman_call.h"

/* Firmware takes a list's URL for a name; ours have one place in all computers. */
#define LIST_NAME "urn:amt-provisioning:consoles"

READER(pkm__out)
READER(crl__instance)

struct comparison {
    const struct bytes *wanted;
    size_t wanted_count, found, strange;
};

static bool is_wanted(const struct comparison *comparison, const struct bytes *serial)
{
    for (size_t i = 0; i < comparison->wanted_count; i++) {
        const struct bytes *wanted = &comparison->wanted[i];

        if (wanted->length == serial->length && memcmp(wanted->data, serial->data, serial->length) == 0)
            return true;
    }
    return false;
}

static bool list_take(void *context, const void *instance, struct error *err)
{
    struct comparison *comparison = context;
    const struct crl__instance *got = instance;

    for (int i = 0; i < got->__sizeSerialNumbers; i++) {
        AUTO(bytes_free) struct bytes serial = { 0 };

        if (!got->SerialNumbers[i] || !base64_decode(got->SerialNumbers[i], &serial))
            return wsman_malformed(&class_crl, "Pull", "a serial number is not base64", err);
        *(is_wanted(comparison, &serial) ? &comparison->found : &comparison->strange) += 1;
    }
    return true;
}

bool wsman_revocations_are(struct connection *connection, const struct bytes *serials, size_t count,
                           bool *same, struct error *err)
{
    struct comparison comparison = { .wanted = serials, .wanted_count = count };

    if (!wsman_enumerate(connection, &class_crl, read_crl__instance, list_take, &comparison, err))
        return false;
    *same = comparison.found == count && comparison.strange == 0;
    return true;
}

static bool call(struct connection *connection, const char *method, const struct pkm__in *in,
                 struct error *err)
{
    struct wsman_input input = { .type = SOAP_TYPE_pkm__in, .data = in };
    struct pkm__out *got = wsman_method(connection, &class_pkm, method, &input, read_pkm__out, err);

    return got && wsman_returned(&class_pkm, method, got->ReturnValue, err);
}

static bool add(struct connection *connection, char **texts, size_t count, struct error *err)
{
    const struct pkm__in in = { .Url = (char *)LIST_NAME,
                                .__sizeSerialNumbers = (int)count,
                                .SerialNumbers = texts };

    return call(connection, "AddCRL", &in, err);
}

bool wsman_revocations_set(struct connection *connection, const struct bytes *serials, size_t count,
                           struct error *err)
{
    char **texts;
    bool set;

    if (!call(connection, "ResetCRLList", NULL, err))
        return false;
    if (count == 0)
        return true;
    texts = allocate(count * sizeof(*texts));
    for (size_t i = 0; i < count; i++)
        texts[i] = base64_encode(serials[i].data, serials[i].length);
    set = add(connection, texts, count, err);
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
    return set;
}
