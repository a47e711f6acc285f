#include "firmware/connection_state.h"

#define MAJOR_WSMAN_FIRST 3 /* AMT 1 and 2 have the older SOAP interface alone */
#define MAJOR_WSMAN_BEST  6 /* from here on WS-Management is the better one (spec O7) */
#define MAJOR_WSMAN_ONLY  9 /* the older one is gone */
#define HTTP_NOT_FOUND    404

/* Both are harmless, on every release, and small. AMT_GeneralSettings, whose Digest realm is wanted next. */
static const char wsman_probe[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
    "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\""
    " xmlns:wsa=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\""
    " xmlns:wsman=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><s:Header>"
    "<wsa:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</wsa:Action><wsa:To>/wsman</wsa:To>"
    "<wsman:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings</wsman:ResourceURI>"
    "<wsa:MessageID>0</wsa:MessageID><wsa:ReplyTo>"
    "<wsa:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:Address></wsa:ReplyTo>"
    "<wsman:OperationTimeout>PT60S</wsman:OperationTimeout></s:Header><s:Body/></s:Envelope>";

static const char eoi_probe[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"
    "<sai:GetCoreVersion"
    " xmlns:sai=\"http://schemas.intel.com/platform/client/SecurityAdministration/2004/01\"/>"
    "</s:Body></s:Envelope>";

static const struct exchange probes[] = {
    [INTERFACE_WSMAN] = { .path = "/wsman", .body = wsman_probe, .length = sizeof(wsman_probe) - 1 },
    [INTERFACE_EOI] = { .path = "/SecurityAdministrationService",
                        .action = "http://schemas.intel.com/platform/client/SecurityAdministration/2004/01/"
                                  "GetCoreVersion",
                        .body = eoi_probe,
                        .length = sizeof(eoi_probe) - 1 },
};

/* One request without credentials. *present: the firmware has that interface. */
static bool knock(struct connection *connection, enum firmware_interface interface,
                  struct interface_found *found, bool *present, struct error *err)
{
    struct exchange_reply reply;
    enum login_verdict verdict = login_exchange(connection, &probes[interface], &reply, err);

    if (verdict == LOGIN_FAILED)
        return false;
    *found = (struct interface_found){ interface, verdict == LOGIN_REFUSED, &probes[interface] };
    *present = found->challenged || reply.status != HTTP_NOT_FOUND;
    return found->challenged || !*present || exchange_status_check(connection, reply.status, err);
}

/* What the profile asks for, or what suits the release. */
static enum firmware_interface preferred(const struct connection *connection)
{
    unsigned major = connection_release(connection).major;

    switch (connection->target.first_stage) {
    case FIRST_STAGE_EOI:
        return INTERFACE_EOI;
    case FIRST_STAGE_WSMAN:
        return INTERFACE_WSMAN;
    default:
        return major > 0 && major < MAJOR_WSMAN_BEST ? INTERFACE_EOI : INTERFACE_WSMAN;
    }
}

static bool release_check(const struct connection *connection, struct error *err)
{
    struct firmware_release release = connection_release(connection);

    if (release.major > 0 && release.major < MAJOR_WSMAN_FIRST)
        return error_because(
            err, REASON_UNSUPPORTED,
            "the firmware of %s is AMT %u.%u, which has no WS-Management: update it to 3.2 or later",
            connection->address, release.major, release.minor);
    if (connection->target.first_stage == FIRST_STAGE_EOI && release.major >= MAJOR_WSMAN_ONLY)
        return error_because(err, REASON_UNSUPPORTED,
                             "the profile wants the EOI interface for the first stage; AMT %u.%u of %s has "
                             "WS-Management alone: set first_stage to auto",
                             release.major, release.minor, connection->address);
    return true;
}

static bool nothing_there(const struct connection *connection, struct error *err)
{
    if (connection->target.first_stage == FIRST_STAGE_EOI)
        return error_because(err, REASON_UNSUPPORTED,
                             "the profile wants the EOI interface for the first stage, and %s does not have "
                             "it: set first_stage to auto",
                             connection->address);
    return exchange_status_check(connection, HTTP_NOT_FOUND, err);
}

/* The first answer tells the release, by which the other interface may be the right one; where that one is
 * not there after all (AMT 3 to 8 can be told to refuse it), the first is asked again, for a fresh challenge.
 */
bool interface_find(struct connection *connection, struct interface_found *found, struct error *err)
{
    enum firmware_interface first = preferred(connection), second;
    bool first_present, second_present;

    if (!knock(connection, first, found, &first_present, err) || !release_check(connection, err))
        return false;
    second = preferred(connection);
    if (second == first && first_present)
        return true;
    if (connection->target.first_stage != FIRST_STAGE_AUTO)
        return nothing_there(connection, err);
    if (second == first)
        second = first == INTERFACE_EOI ? INTERFACE_WSMAN : INTERFACE_EOI;
    if (!knock(connection, second, found, &second_present, err))
        return false;
    if (second_present)
        return true;
    return first_present ? knock(connection, first, found, &first_present, err)
                         : nothing_there(connection, err);
}
