#include "fault.h"

#include <inttypes.h>
#include <string.h>

#define ADDRESSING  "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault"
#define MANAGEMENT  "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
#define ENUMERATION "http://schemas.xmlsoap.org/ws/2004/09/enumeration/fault"

/* Prefixes are the device's in faults: a SOAP, b addressing, c enumeration, e WS-Management. */
static const struct {
    const char *subcode, *action, *code, *reason;
} faults[FAULT_KINDS] = {
    [FAULT_DESTINATION_UNREACHABLE] = { "b:DestinationUnreachable", ADDRESSING, "Sender",
                                        "No route can be determined to reach the destination role defined by "
                                        "the WSAddressing To." },
    [FAULT_ACTION_NOT_SUPPORTED] = { "b:ActionNotSupported", ADDRESSING, "Sender",
                                     "The action is not supported by the service." },
    [FAULT_HEADER_REQUIRED] = { "b:MessageInformationHeaderRequired", ADDRESSING, "Sender",
                                "A required header is missing." },
    [FAULT_ALREADY_EXISTS] = { "e:AlreadyExists", MANAGEMENT, "Sender",
                               "The sender attempted to create a resource which already exists." },
    [FAULT_ACCESS_DENIED] = { "e:AccessDenied", MANAGEMENT, "Sender",
                              "The sender was not authorized to access the resource." },
    [FAULT_INVALID_SELECTORS] = { "e:InvalidSelectors", MANAGEMENT, "Sender",
                                  "The selectors for the resource are not valid." },
    [FAULT_SCHEMA_VALIDATION] = { "e:SchemaValidationError", MANAGEMENT, "Sender",
                                  "The supplied SOAP violates the corresponding XML schema definition." },
    [FAULT_UNSUPPORTED_FEATURE] = { "e:UnsupportedFeature", MANAGEMENT, "Sender",
                                    "The specified feature is not supported." },
    [FAULT_ENCODING_LIMIT] = { "e:EncodingLimit", MANAGEMENT, "Sender",
                               "An internal encoding limit was exceeded in a request or would be violated if "
                               "the message were processed." },
    [FAULT_INTERNAL_ERROR] = { "e:InternalError", MANAGEMENT, "Receiver",
                               "The service cannot comply with the request due to internal processing "
                               "errors." },
    [FAULT_INVALID_CONTEXT] = { "c:InvalidEnumerationContext", ENUMERATION, "Receiver",
                                "The supplied enumeration context is invalid." },
    [FAULT_MUST_UNDERSTAND] = { "", ADDRESSING, "MustUnderstand",
                                "A header with mustUnderstand set was not understood." },
};

enum fault_kind fault_find(const char *subcode)
{
    const char *colon = strchr(subcode, ':'), *name = colon ? colon + 1 : subcode;

    if (!strcmp(name, "MustUnderstand"))
        return FAULT_MUST_UNDERSTAND;
    for (int kind = FAULT_NONE + 1; kind < FAULT_KINDS; kind++) {
        const char *known = strchr(faults[kind].subcode, ':');

        if (known && !strcmp(known + 1, name))
            return (enum fault_kind)kind;
    }
    return FAULT_NONE;
}

bool fault_is_receivers(enum fault_kind kind)
{
    return kind != FAULT_NONE && !strcmp(faults[kind].code, "Receiver");
}

void fault_write(struct text *out, const struct fault *fault, const char *relates_to, uint64_t message)
{
    text_append(
        out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
             "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\""
             " xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\""
             " xmlns:c=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\""
             " xmlns:d=\"http://schemas.xmlsoap.org/ws/2004/09/transfer\""
             " xmlns:e=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\""
             " xmlns:f=\"http://schemas.xmlsoap.org/ws/2004/08/eventing\""
             " xmlns:g=\"http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd\""
             " xmlns:h=\"http://schemas.xmlsoap.org/ws/2005/02/trust\""
             " xmlns:i=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\""
             " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><a:Header>"
             "<b:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</b:To><b:RelatesTo>");
    text_escape(out, relates_to);
    text_format(out,
                "</b:RelatesTo><b:Action a:mustUnderstand=\"true\">%s</b:Action>"
                "<b:MessageID>uuid:00000000-8086-8086-8086-%012" PRIX64 "</b:MessageID></a:Header><a:Body>"
                "<a:Fault><a:Code><a:Value>a:%s</a:Value>",
                faults[fault->kind].action, message, faults[fault->kind].code);
    if (*faults[fault->kind].subcode)
        text_format(out, "<a:Subcode><a:Value>%s</a:Value></a:Subcode>", faults[fault->kind].subcode);
    text_append(out, "</a:Code><a:Reason><a:Text xml:lang=\"en-US\">");
    text_escape(out, fault->reason ? fault->reason : faults[fault->kind].reason);
    text_append(out, "</a:Text></a:Reason><a:Detail>");
    if (fault->status)
        text_format(out, "AMT-STATUS %u", fault->status);
    text_append(out, "</a:Detail></a:Fault></a:Body></a:Envelope>");
}
