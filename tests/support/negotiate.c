#include "support/negotiate.h"

#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"

static gss_OID_desc spnego = { 6, (void *)"\x2b\x06\x01\x05\x05\x02" }; /* RFC 4178 3 */

struct negotiation {
    gss_cred_id_t credential;
    gss_name_t service;
    gss_ctx_id_t context;
};

static bool failed(OM_uint32 major, OM_uint32 minor, const char *what, struct error *err)
{
    gss_buffer_desc general = GSS_C_EMPTY_BUFFER, special = GSS_C_EMPTY_BUFFER;
    OM_uint32 ignored, more = 0;

    gss_display_status(&ignored, major, GSS_C_GSS_CODE, GSS_C_NO_OID, &more, &general);
    more = 0;
    gss_display_status(&ignored, minor, GSS_C_MECH_CODE, GSS_C_NO_OID, &more, &special);
    error_set(err, ERROR_REFUSED, "%s: %.*s: %.*s", what, (int)general.length, (char *)general.value,
              (int)special.length, (char *)special.value);
    gss_release_buffer(&ignored, &general);
    gss_release_buffer(&ignored, &special);
    return false;
}

static bool take_credential(struct negotiation *negotiation, const char *cache_path, struct error *err)
{
    gss_key_value_element_desc element = { .key = "ccache", .value = cache_path };
    gss_key_value_set_desc store = { .count = 1, .elements = &element };
    gss_OID_set_desc mechanisms = { .count = 1, .elements = &spnego };
    OM_uint32 minor,
        major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechanisms, GSS_C_INITIATE,
                                      &store, &negotiation->credential, NULL, NULL);

    return !GSS_ERROR(major) || failed(major, minor, cache_path, err);
}

static bool name_service(struct negotiation *negotiation, const char *service, struct error *err)
{
    gss_buffer_desc text = { .length = strlen(service), .value = (void *)service };
    OM_uint32 minor,
        major = gss_import_name(&minor, &text, (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME, &negotiation->service);

    return !GSS_ERROR(major) || failed(major, minor, service, err);
}

/* One step of SPNEGO; *output may stay empty. */
static bool step(struct negotiation *negotiation, const struct bytes *input, bool *complete, char **output,
                 struct error *err)
{
    gss_buffer_desc in = { .length = input->length, .value = input->data }, out = GSS_C_EMPTY_BUFFER;
    OM_uint32 minor, ignored;
    OM_uint32 major = gss_init_sec_context(&minor, negotiation->credential, &negotiation->context,
                                           negotiation->service, &spnego, GSS_C_MUTUAL_FLAG, 0,
                                           GSS_C_NO_CHANNEL_BINDINGS, &in, NULL, &out, NULL, NULL);

    if (GSS_ERROR(major))
        return failed(major, minor, "Negotiate", err);
    *complete = major == GSS_S_COMPLETE;
    if (output)
        *output = base64_encode(out.value, out.length);
    gss_release_buffer(&ignored, &out);
    return true;
}

bool negotiation_begin(struct negotiation **negotiation, const char *cache_path, const char *service,
                       char **token, struct error *err)
{
    AUTO(negotiation_free) struct negotiation *beginning = allocate(sizeof(*beginning));
    const struct bytes nothing = { 0 };
    bool complete;

    if (!take_credential(beginning, cache_path, err) || !name_service(beginning, service, err) ||
        !step(beginning, &nothing, &complete, token, err))
        return false;
    *negotiation = TAKE(beginning);
    return true;
}

bool negotiation_finish(struct negotiation *negotiation, const char *token, struct error *err)
{
    AUTO(bytes_free) struct bytes answer = { 0 };
    bool complete = false;

    if (!base64_decode(token, &answer))
        return error_set(err, ERROR_PROTOCOL, "the answer's token is not base64: %.40s", token);
    if (!step(negotiation, &answer, &complete, NULL, err))
        return false;
    return complete || error_set(err, ERROR_PROTOCOL, "the answer's token does not end the login");
}

void negotiation_free(struct negotiation **negotiation)
{
    struct negotiation *going = TAKE(*negotiation);
    OM_uint32 minor;

    if (!going)
        return;
    gss_delete_sec_context(&minor, &going->context, GSS_C_NO_BUFFER);
    gss_release_name(&minor, &going->service);
    gss_release_cred(&minor, &going->credential);
    free(going);
}
