#include "firmware.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "mei.h"

#define ATTEMPTS       3
#define READY_PAUSE_MS 500
#define FIRST_WITH_EX  6 /* major release that brought StartConfigurationEx */
#define NO_IPV6        0

struct firmware {
    struct firmware_settings settings;
    struct mei *mei;
    uint32_t last_status;
};

bool firmware_open(struct firmware **firmware, const struct firmware_settings *settings, struct error *err)
{
    AUTO(firmware_close) struct firmware *opening = allocate(sizeof(*opening));
    const struct mei_settings mei = {
        .path = settings->device, .timeout_ms = settings->timeout_ms, .guid = host_client_amt, .client = "AMT"
    };

    opening->settings = *settings;
    if (!mei_open(&opening->mei, &mei, err))
        return false;
    *firmware = TAKE(opening);
    return true;
}

void firmware_close(struct firmware **firmware)
{
    struct firmware *closing = *firmware;

    if (!closing)
        return;
    mei_close(&closing->mei);
    free(closing);
    *firmware = NULL;
}

/* ---- asking ---- */

/* Once. Any status; the reply is borrowed until the next call. */
static bool ask_once(struct firmware *firmware, const struct host_request *request, enum host_command command,
                     struct host_reply *reply, struct error *err)
{
    const uint8_t *bytes;
    size_t length;

    if (!mei_exchange(firmware->mei, request->bytes, request->length, &bytes, &length, err) ||
        !host_reply_read(bytes, length, command, reply, err))
        return false;
    if (reply->status != HOST_SUCCESS)
        firmware->last_status = reply->status;
    return true;
}

/* Again when the engine was reset under it: for requests that may be carried out twice. */
static bool ask(struct firmware *firmware, const struct host_request *request, enum host_command command,
                struct host_reply *reply, struct error *err)
{
    for (int attempt = 1; !ask_once(firmware, request, command, reply, err); attempt++) {
        if (err->reason != REASON_CONNECTION_LOST || attempt == ATTEMPTS)
            return error_during(err, "%s", host_command_name(command));
    }
    return true;
}

static bool ask_plain(struct firmware *firmware, enum host_command command, struct host_reply *reply,
                      struct error *err)
{
    struct host_request request;

    host_request_plain(&request, command);
    return ask(firmware, &request, command, reply, err);
}

/* ---- facts ---- */

bool firmware_state(struct firmware *firmware, uint32_t *state, struct error *err)
{
    struct host_reply reply;

    return ask_plain(firmware, HOST_GET_PROVISIONING_STATE, &reply, err) &&
           host_reply_succeeded(&reply, err) && host_reply_number(&reply, state, err);
}

static bool read_versions(struct firmware *firmware, struct firmware_facts *facts, struct error *err)
{
    struct host_reply reply;

    if (!ask_plain(firmware, HOST_GET_CODE_VERSIONS, &reply, err) || !host_reply_succeeded(&reply, err) ||
        !host_reply_versions(&reply, &facts->versions, err))
        return false;
    if (host_release(&facts->versions, &facts->major, &facts->minor))
        return true;
    return error_because(err, REASON_MALFORMED_REPLY, "the firmware names \"%s\" as its AMT version",
                         host_version_of(&facts->versions, "AMT"));
}

static bool read_uuid(struct firmware *firmware, struct firmware_facts *facts, struct error *err)
{
    struct host_reply reply;

    return ask_plain(firmware, HOST_GET_UUID, &reply, err) && host_reply_succeeded(&reply, err) &&
           host_reply_uuid(&reply, &facts->uuid, err);
}

static bool read_state(struct firmware *firmware, struct firmware_facts *facts, struct error *err)
{
    return firmware_state(firmware, &facts->state, err);
}

/* A status other than success means that this release does not know the question. */
static bool read_control_mode(struct firmware *firmware, struct firmware_facts *facts, struct error *err)
{
    struct host_reply reply;

    if (!ask_plain(firmware, HOST_GET_CONTROL_MODE, &reply, err))
        return false;
    facts->has_control_mode = reply.status == HOST_SUCCESS;
    return !facts->has_control_mode || host_reply_number(&reply, &facts->control_mode, err);
}

static bool read_zero_touch(struct firmware *firmware, struct firmware_facts *facts, struct error *err)
{
    struct host_reply reply;
    uint32_t enabled = 0;

    if (!ask_plain(firmware, HOST_GET_ZERO_TOUCH_ENABLED, &reply, err))
        return false;
    facts->has_zero_touch = reply.status == HOST_SUCCESS;
    if (facts->has_zero_touch && !host_reply_number(&reply, &enabled, err))
        return false;
    facts->zero_touch = enabled != 0;
    return true;
}

static bool read_dns_suffix(struct firmware *firmware, struct firmware_facts *facts, struct error *err)
{
    struct host_reply reply;

    return ask_plain(firmware, HOST_GET_DNS_SUFFIX, &reply, err) &&
           (reply.status != HOST_SUCCESS ||
            host_reply_text(&reply, facts->dns_suffix, sizeof(facts->dns_suffix), err));
}

static bool read_lan(struct firmware *firmware, enum host_interface interface, bool *present,
                     struct host_lan *lan, struct error *err)
{
    struct host_request request;
    struct host_reply reply;

    host_request_number(&request, HOST_GET_LAN_INTERFACE_SETTINGS, interface);
    if (!ask(firmware, &request, HOST_GET_LAN_INTERFACE_SETTINGS, &reply, err))
        return false;
    *present = reply.status == HOST_SUCCESS;
    return !*present || host_reply_lan(&reply, lan, err);
}

static bool read_interfaces(struct firmware *firmware, struct firmware_facts *facts, struct error *err)
{
    return read_lan(firmware, HOST_LAN_WIRED, &facts->has_wired, &facts->wired, err) &&
           read_lan(firmware, HOST_LAN_WIRELESS, &facts->has_wireless, &facts->wireless, err);
}

static bool read_hash(struct firmware *firmware, uint32_t handle, struct host_hash *hash, struct error *err)
{
    struct host_request request;
    struct host_reply reply;

    host_request_number(&request, HOST_GET_CERTIFICATE_HASH_ENTRY, handle);
    return ask(firmware, &request, HOST_GET_CERTIFICATE_HASH_ENTRY, &reply, err) &&
           host_reply_succeeded(&reply, err) && host_reply_hash(&reply, hash, err);
}

static bool read_hashes(struct firmware *firmware, struct firmware_facts *facts, struct error *err)
{
    struct host_hash_handles handles;
    struct host_reply reply;

    if (!ask_plain(firmware, HOST_ENUMERATE_HASH_HANDLES, &reply, err) ||
        !host_reply_succeeded(&reply, err) || !host_reply_hash_handles(&reply, &handles, err))
        return false;
    for (; facts->hash_count < handles.count; facts->hash_count++) {
        if (!read_hash(firmware, handles.handles[facts->hash_count], &facts->hashes[facts->hash_count], err))
            return false;
    }
    return true;
}

bool firmware_read(struct firmware *firmware, struct firmware_facts *facts, struct error *err)
{
    struct firmware_facts read = { .hash_count = 0 };

    if (!read_versions(firmware, &read, err) || !read_uuid(firmware, &read, err) ||
        !read_state(firmware, &read, err) || !read_control_mode(firmware, &read, err) ||
        !read_zero_touch(firmware, &read, err) || !read_dns_suffix(firmware, &read, err) ||
        !read_interfaces(firmware, &read, err) || !read_hashes(firmware, &read, err))
        return false;
    *facts = read;
    return true;
}

const char *firmware_state_name(uint32_t state)
{
    switch (state) {
    case HOST_STATE_PRE:
        return "not provisioned";
    case HOST_STATE_IN:
        return "in setup";
    case HOST_STATE_POST:
        return "provisioned";
    default:
        return "unknown";
    }
}

const char *firmware_control_mode_name(uint32_t mode)
{
    static const char *const names[] = { "none", "client", "admin" };

    return mode < COUNT_OF(names) ? names[mode] : "unknown";
}

/* ---- settings ---- */

static bool tell(struct firmware *firmware, const struct host_request *request, enum host_command command,
                 struct error *err)
{
    struct host_reply reply;

    return ask(firmware, request, command, &reply, err) && host_reply_succeeded(&reply, err);
}

bool firmware_set_otp(struct firmware *firmware, const struct secret *otp, struct error *err)
{
    struct host_request request;
    bool set = host_request_otp(&request, otp, err) &&
               tell(firmware, &request, HOST_SET_PROVISIONING_SERVER_OTP, err);

    host_request_wipe(&request);
    return set;
}

bool firmware_set_dns_suffix(struct firmware *firmware, const char *suffix, struct error *err)
{
    struct host_request request;

    return host_request_dns_suffix(&request, suffix, err) &&
           tell(firmware, &request, HOST_SET_DNS_SUFFIX, err);
}

bool firmware_set_host_fqdn(struct firmware *firmware, const char *fqdn, struct error *err)
{
    struct host_request request;

    return host_request_host_fqdn(&request, fqdn, err) && tell(firmware, &request, HOST_SET_HOST_FQDN, err);
}

/* ---- setup ---- */

/* Old firmware makes no keys before a host on it has seeded its random generator. */
static bool seed_generator(struct firmware *firmware, struct error *err)
{
    struct host_reply reply;
    uint32_t seed;

    if (!ask_plain(firmware, HOST_GET_RNG_SEED_STATUS, &reply, err) || !host_reply_succeeded(&reply, err) ||
        !host_reply_number(&reply, &seed, err))
        return false;
    if (seed != HOST_SEED_NONE)
        return true;
    return ask_plain(firmware, HOST_GENERATE_RNG_SEED, &reply, err) && host_reply_succeeded(&reply, err);
}

static void start_request(struct host_request *request, const struct firmware_facts *facts,
                          enum host_command *command)
{
    *command = facts->major < FIRST_WITH_EX ? HOST_START_CONFIGURATION : HOST_START_CONFIGURATION_EX;
    if (*command == HOST_START_CONFIGURATION)
        host_request_plain(request, *command);
    else
        host_request_number(request, *command, NO_IPV6);
}

/* A reset leaves open whether setup has begun; the state tells. */
static bool begun_nevertheless(struct firmware *firmware, struct host_reply *reply, struct error *err)
{
    uint32_t state;

    if (err->reason != REASON_CONNECTION_LOST || !firmware_state(firmware, &state, err))
        return false;
    reply->status = state == HOST_STATE_IN ? HOST_SUCCESS : HOST_NOT_READY;
    return true;
}

static bool start_once(struct firmware *firmware, const struct firmware_facts *facts,
                       struct host_reply *reply, struct error *err)
{
    struct host_request request;
    enum host_command command;

    start_request(&request, facts, &command);
    *reply = (struct host_reply){ .command = command };
    if (!ask_once(firmware, &request, command, reply, err) && !begun_nevertheless(firmware, reply, err))
        return error_during(err, "%s", host_command_name(command));
    return reply->status != HOST_RNG_NOT_READY || seed_generator(firmware, err);
}

static bool passes_by_itself(uint32_t status)
{
    return status == HOST_NOT_READY || status == HOST_RNG_NOT_READY ||
           status == HOST_RNG_GENERATION_IN_PROGRESS || status == HOST_CERTIFICATE_NOT_READY;
}

/* Firmware does not tell when it is ready; it is asked again. */
bool firmware_start_configuration(struct firmware *firmware, const struct firmware_facts *facts,
                                  struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + firmware->settings.ready_ms;
    struct host_reply reply;

    if (!start_once(firmware, facts, &reply, err))
        return false;
    while (passes_by_itself(reply.status) && clock_monotonic_ms() < deadline_ms) {
        poll(NULL, 0, READY_PAUSE_MS);
        if (!start_once(firmware, facts, &reply, err))
            return false;
    }
    return host_reply_succeeded(&reply, err);
}

bool firmware_stop_configuration(struct firmware *firmware, struct error *err)
{
    struct host_reply reply;

    if (!ask_plain(firmware, HOST_STOP_CONFIGURATION, &reply, err))
        return false;
    return reply.status == HOST_INVALID_MODE || host_reply_succeeded(&reply, err);
}

uint32_t firmware_last_status(const struct firmware *firmware)
{
    return firmware->last_status;
}

/* ---- switching AMT on ---- */

static bool watchdog_open(struct mei **mei, const struct firmware_settings *settings, struct error *err)
{
    const struct mei_settings watchdog = { .path = settings->device,
                                           .timeout_ms = settings->timeout_ms,
                                           .guid = host_client_watchdog,
                                           .client = "the watchdog" };

    return mei_open(mei, &watchdog, err);
}

bool firmware_switch(const struct firmware_settings *settings, struct host_switch *state, struct error *err)
{
    AUTO(mei_close) struct mei *mei = NULL;
    struct host_request request;
    const uint8_t *bytes;
    size_t length;

    host_request_change_enabled(&request);
    return watchdog_open(&mei, settings, err) &&
           mei_exchange(mei, request.bytes, request.length, &bytes, &length, err) &&
           host_reply_change_enabled(bytes, length, state, err);
}

static bool set_operational(const struct firmware_settings *settings, struct error *err)
{
    AUTO(mei_close) struct mei *mei = NULL;
    struct host_request request;
    const uint8_t *bytes;
    size_t length;

    host_request_operational_state(&request, true);
    return watchdog_open(&mei, settings, err) &&
           mei_exchange(mei, request.bytes, request.length, &bytes, &length, err) &&
           host_reply_operational_state(bytes, length, err);
}

/* Switched on, AMT starts; its client appears when it has. */
static bool wait_for_amt(const struct firmware_settings *settings, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + settings->ready_ms;

    for (;;) {
        AUTO(firmware_close) struct firmware *started = NULL;

        if (firmware_open(&started, settings, err))
            return true;
        if (err->reason != REASON_NO_AMT || clock_monotonic_ms() >= deadline_ms)
            return error_during(err, "AMT was switched on and does not start");
        poll(NULL, 0, READY_PAUSE_MS);
    }
}

bool firmware_switch_on(const struct firmware_settings *settings, struct error *err)
{
    struct host_switch state;

    if (!firmware_switch(settings, &state, err))
        return false;
    if (state.amt_on)
        return true;
    if (!state.change_allowed)
        return error_because(err, REASON_NOT_PERMITTED,
                             "AMT is switched off and this firmware does not let its host switch it on; use "
                             "the firmware's menu (MEBx)");
    return set_operational(settings, err) && wait_for_amt(settings, err);
}
