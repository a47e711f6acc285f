#include "pthi.h"

#include "class.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER_LENGTH = 12,
    OTP_SHORTEST = 8,
    SUFFIX_LONGEST = 223,
    FQDN_LONGEST = 256, /* with the NUL that some hosts count in */
    HASHES_BEFORE_7 = 23,
    HASHES_SINCE_7 = 33,
    HASH_FIELD = 64,
    BIOS_FIELD = 65,
    VERSION_FIELD = 20,
};
#define RESPONSE 0x00800000u

struct exchange {
    struct computer *computer;
    struct device *device;
    const unsigned char *input; /* behind the header */
    size_t input_length;
    unsigned char *output; /* behind the status */
    size_t output_length;
};

typedef uint32_t command_function(struct exchange *exchange); /* returns an AMT_STATUS */

/* ---- little-endian ---- */

static uint32_t number_at(const unsigned char *bytes, size_t size)
{
    uint32_t value = 0;

    while (size--)
        value = value << 8 | bytes[size];
    return value;
}

static void put(struct exchange *exchange, const void *bytes, size_t length)
{
    memcpy(exchange->output + exchange->output_length, bytes, length);
    exchange->output_length += length;
}

static void put_number(struct exchange *exchange, uint32_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        exchange->output[exchange->output_length++] = (unsigned char)(value >> 8 * i);
}

/* A field of fixed size, filled up with zeros. */
static void put_field(struct exchange *exchange, const void *bytes, size_t length, size_t size)
{
    memset(exchange->output + exchange->output_length, 0, size);
    memcpy(exchange->output + exchange->output_length, bytes, length < size ? length : size);
    exchange->output_length += size;
}

static void put_text(struct exchange *exchange, const char *text)
{
    put_number(exchange, (uint32_t)strlen(text), 2);
    put(exchange, text, strlen(text));
}

/* An AMT_ANSI_STRING as the whole input. */
static bool input_text(const struct exchange *exchange, const unsigned char **text, size_t *length)
{
    if (exchange->input_length < 2)
        return false;
    *length = number_at(exchange->input, 2);
    *text = exchange->input + 2;
    return exchange->input_length == 2 + *length;
}

/* ---- what it is ---- */

static uint32_t get_provisioning_mode(struct exchange *exchange)
{
    put_number(exchange, exchange->device->state == STATE_PRE ? 0 : exchange->device->mode, 4);
    put_number(exchange, 0, 4);
    return AMT_SUCCESS;
}

static uint32_t get_provisioning_state(struct exchange *exchange)
{
    put_number(exchange, exchange->device->state, 4);
    return AMT_SUCCESS;
}

static void put_version(struct exchange *exchange, const char *description, const char *version)
{
    put_number(exchange, (uint32_t)strlen(description), 2);
    put_field(exchange, description, strlen(description), VERSION_FIELD);
    put_number(exchange, (uint32_t)strlen(version), 2);
    put_field(exchange, version, strlen(version), VERSION_FIELD);
}

static uint32_t get_code_versions(struct exchange *exchange)
{
    static const char bios[] = "SIMBIOS01.0042";
    char version[VERSION_ROOM];
    const char *build = generation_version(exchange->device->generation, version);

    put_field(exchange, bios, strlen(bios), BIOS_FIELD);
    put_number(exchange, 8, 4);
    put_version(exchange, "Flash", version);
    put_version(exchange, "Netstack", version);
    put_version(exchange, "AMTApps", version);
    put_version(exchange, "AMT", version);
    put_version(exchange, "Sku", "16392");
    put_version(exchange, "VendorID", "8086");
    put_version(exchange, "Build Number", build);
    put_version(exchange, "Legacy Mode", "False");
    return AMT_SUCCESS;
}

static uint32_t get_uuid(struct exchange *exchange)
{
    put(exchange, exchange->device->uuid, UUID_LENGTH);
    return AMT_SUCCESS;
}

static uint32_t get_control_mode(struct exchange *exchange)
{
    if (!exchange->device->generation->host_based_setup)
        return AMT_INVALID_COMMAND; /* which status an unknown command gets is not published [inferred] */
    put_number(exchange, exchange->device->control_mode, 4);
    return AMT_SUCCESS;
}

static uint32_t get_lan_interface_settings(struct exchange *exchange)
{
    const struct device *device = exchange->device;
    unsigned char mac[MAC_LENGTH];
    uint32_t port;

    if (exchange->input_length != 4)
        return AMT_INVALID_MESSAGE_LENGTH;
    port = number_at(exchange->input, 4);
    if (port > 1 || (port == 1 && !device_has_wifi(device)))
        return AMT_INTERFACE_DOES_NOT_EXIST;
    device_mac(device, port, mac);
    put_number(exchange, 1, 4);
    put_number(exchange, port || device->link_down ? 0 : ntohl(device->address.s_addr), 4);
    put_number(exchange, device->ethernet.dhcp, 4);
    put_number(exchange, device->state == STATE_PRE ? 2 : 1, 1); /* passive while the host has the address */
    put_number(exchange, !port && !device->link_down, 1);
    put(exchange, mac, sizeof(mac));
    return AMT_SUCCESS;
}

static uint32_t get_security_parameters(struct exchange *exchange)
{
    const struct device *device = exchange->device;
    const uint32_t words[17] = { [0] = device->mode == 1,
                                 [1] = device->tls_in_force[TLS_NETWORK].enabled,
                                 [2] = 1,
                                 [3] = device->state,
                                 [4] = !device->link_down,
                                 [8] = !device->link_down };

    for (size_t i = 0; i < LENGTH(words); i++)
        put_number(exchange, words[i], 4);
    return AMT_SUCCESS;
}

/* ---- trusted roots ---- */

static size_t hash_slots(const struct device *device)
{
    size_t slots = device->generation->major < 7 ? HASHES_BEFORE_7 : HASHES_SINCE_7;

    return device->hash_count < slots ? device->hash_count : slots;
}

static uint32_t enumerate_hash_handles(struct exchange *exchange)
{
    size_t count = hash_slots(exchange->device);

    put_number(exchange, (uint32_t)count, 4);
    for (size_t i = 0; i < count; i++)
        put_number(exchange, (uint32_t)i, 4);
    return AMT_SUCCESS;
}

static uint32_t get_certificate_hash_entry(struct exchange *exchange)
{
    const struct device *device = exchange->device;
    const struct root_hash *hash;
    uint32_t handle;

    if (exchange->input_length != 4)
        return AMT_INVALID_MESSAGE_LENGTH;
    handle = number_at(exchange->input, 4);
    if (handle >= hash_slots(device))
        return AMT_INVALID_HANDLE;
    hash = &device->hashes[handle];
    put_number(exchange, !hash->custom, 4);
    put_number(exchange, hash->active, 4);
    put_field(exchange, hash->digest, hash_length(hash->algorithm), HASH_FIELD);
    put_number(exchange, hash->algorithm, 1);
    put_text(exchange, hash->name);
    return AMT_SUCCESS;
}

static uint32_t get_zero_touch_enabled(struct exchange *exchange)
{
    put_number(exchange, exchange->device->zero_touch, 4);
    return AMT_SUCCESS;
}

/* ---- names ---- */

static uint32_t get_dns_suffix(struct exchange *exchange)
{
    put_text(exchange, exchange->device->suffix ? exchange->device->suffix : "");
    return AMT_SUCCESS;
}

/* During setup a host may prepare another one only once the window is over. */
static bool preparing(const struct exchange *exchange)
{
    return exchange->device->state == STATE_PRE ||
           (exchange->device->state == STATE_IN && exchange->computer->window_over);
}

static uint32_t set_dns_suffix(struct exchange *exchange)
{
    const unsigned char *text;
    size_t length;
    char *copy;

    if (!preparing(exchange))
        return AMT_INVALID_MODE;
    if (!input_text(exchange, &text, &length))
        return AMT_INVALID_MESSAGE_LENGTH;
    if (length > SUFFIX_LONGEST)
        return AMT_INVALID_PARAMETER;
    copy = allocate(length + 1);
    memcpy(copy, text, length);
    replace_text(&exchange->device->suffix, *copy ? copy : NULL);
    free(copy);
    return AMT_SUCCESS;
}

static uint32_t set_host_fqdn(struct exchange *exchange)
{
    const unsigned char *text;
    size_t length;
    char *copy;

    if (!input_text(exchange, &text, &length))
        return AMT_INVALID_MESSAGE_LENGTH;
    if (!length || length > FQDN_LONGEST)
        return AMT_INVALID_PARAMETER;
    copy = allocate(length + 1);
    memcpy(copy, text, length);
    replace_text(&exchange->device->general.host_os_fqdn, copy);
    free(copy);
    return AMT_SUCCESS;
}

/* ---- setup ---- */

static uint32_t set_otp(struct exchange *exchange)
{
    struct device *device = exchange->device;
    const unsigned char *text;
    size_t length;

    if (!preparing(exchange))
        return AMT_INVALID_MODE;
    if (!input_text(exchange, &text, &length))
        return AMT_INVALID_MESSAGE_LENGTH;
    if (length < OTP_SHORTEST || length > OTP_MAX)
        return AMT_INVALID_PARAMETER;
    memcpy(device->otp, text, length);
    device->otp_length = length;
    return AMT_SUCCESS;
}

static uint32_t generate_rng_seed(struct exchange *exchange)
{
    exchange->device->seeded = true;
    return AMT_SUCCESS;
}

static uint32_t get_rng_seed_status(struct exchange *exchange)
{
    put_number(exchange, exchange->device->seeded ? 0 : 2, 4);
    return AMT_SUCCESS;
}

static uint32_t enter(struct exchange *exchange, enum provisioning_state state)
{
    struct error err = { 0 };

    exchange->device->state = state;
    exchange->device->retry = 0;
    exchange->device->window_extension_h = 0;
    device_default_admin(exchange->device);
    exchange->computer->window_over = false;
    computer_close(exchange->computer);
    if (!computer_open(exchange->computer, &err)) {
        fprintf(stderr, "amt-simulator: %s\n", err.message);
        return AMT_INTERNAL_ERROR;
    }
    computer_begin_setup(exchange->computer);
    return AMT_SUCCESS;
}

static uint32_t start(struct exchange *exchange)
{
    const struct device *device = exchange->device;

    if (!preparing(exchange))
        return AMT_INVALID_MODE;
    if (device_switch(device->switches.commit_wants_seed, device->generation->commit_wants_seed) &&
        !device->seeded)
        return AMT_RNG_NOT_READY;
    /* Without a suffix there is nothing to compare the server's certificate with. */
    if (device->link_down || (!device->suffix && !device->option15))
        return AMT_NOT_READY;
    return enter(exchange, STATE_IN);
}

static uint32_t start_configuration(struct exchange *exchange)
{
    return exchange->input_length ? AMT_INVALID_MESSAGE_LENGTH : start(exchange);
}

static uint32_t start_configuration_ex(struct exchange *exchange)
{
    if (exchange->device->generation->major < 6)
        return AMT_INVALID_COMMAND;
    return exchange->input_length == 4 ? start(exchange) : AMT_INVALID_MESSAGE_LENGTH;
}

static uint32_t stop_configuration(struct exchange *exchange)
{
    if (exchange->device->state != STATE_IN)
        return AMT_INVALID_MODE;
    exchange->device->otp_length = 0;
    return enter(exchange, STATE_PRE);
}

/* ---- messages ---- */

static const struct {
    uint32_t code;
    const char *name;
    command_function *run;
} commands[] = {
    { 0x04000008, "PTHI.GetProvisioningMode", get_provisioning_mode },
    { 0x04000011, "PTHI.GetProvisioningState", get_provisioning_state },
    { 0x0400001A, "PTHI.GetCodeVersions", get_code_versions },
    { 0x0400001B, "PTHI.GetSecurityParameters", get_security_parameters },
    { 0x04000028, "PTHI.GenerateRngSeed", generate_rng_seed },
    { 0x04000029, "PTHI.StartConfiguration", start_configuration },
    { 0x0400002A, "PTHI.SetProvisioningServerOTP", set_otp },
    { 0x0400002C, "PTHI.EnumerateHashHandles", enumerate_hash_handles },
    { 0x0400002D, "PTHI.GetCertificateHashEntry", get_certificate_hash_entry },
    { 0x0400002E, "PTHI.GetRngSeedStatus", get_rng_seed_status },
    { 0x0400002F, "PTHI.SetPkiFQDNSuffix", set_dns_suffix },
    { 0x04000030, "PTHI.GetZeroTouchEnabled", get_zero_touch_enabled },
    { 0x04000036, "PTHI.GetPkiFQDNSuffix", get_dns_suffix },
    { 0x04000048, "PTHI.GetLanInterfaceSettings", get_lan_interface_settings },
    { 0x0400005B, "PTHI.SetHostFQDN", set_host_fqdn },
    { 0x0400005C, "PTHI.GetUUID", get_uuid },
    { 0x0400005E, "PTHI.StopConfiguration", stop_configuration },
    { 0x04000062, "PTHI.StartConfigurationEx", start_configuration_ex },
    { 0x0400006B, "PTHI.GetControlMode", get_control_mode },
};

static size_t find_command(const unsigned char *request, size_t length)
{
    uint32_t code = length >= HEADER_LENGTH ? number_at(request + 4, 4) : 0;
    size_t i = 0;

    while (i < LENGTH(commands) && commands[i].code != code)
        i++;
    return i;
}

const char *pthi_operation(const unsigned char *request, size_t length)
{
    size_t i = find_command(request, length);

    return i < LENGTH(commands) ? commands[i].name : NULL;
}

static uint32_t run(struct exchange *exchange, const unsigned char *request, size_t length)
{
    const char *name = pthi_operation(request, length);
    size_t i = find_command(request, length);
    const struct misbehaviour *due =
        misbehaviour_due(exchange->device->misbehaviours, MISBEHAVIOUR_HOST_STATUS, name);

    if (due)
        return due->value;
    if (number_at(request + 8, 4) != exchange->input_length)
        return AMT_INVALID_MESSAGE_LENGTH;
    return i < LENGTH(commands) ? commands[i].run(exchange) : AMT_INVALID_COMMAND;
}

size_t pthi_answer(struct computer *computer, const unsigned char *request, size_t length,
                   unsigned char *reply)
{
    struct exchange exchange = { .computer = computer,
                                 .device = computer->device,
                                 .input = request + HEADER_LENGTH,
                                 .input_length = length - HEADER_LENGTH,
                                 .output = reply + HEADER_LENGTH + 4 };
    struct exchange header = { .output = reply };
    uint32_t status;

    if (length < HEADER_LENGTH || request[0] != 1 || number_at(request + 2, 2) != 0)
        return 0;
    computer->device->counters.host_calls++;
    status = run(&exchange, request, length);
    if (status != AMT_SUCCESS)
        exchange.output_length = 0;
    put_number(&header, 0x0101, 2);
    put_number(&header, 0, 2);
    put_number(&header, number_at(request + 4, 4) | RESPONSE, 4);
    put_number(&header, (uint32_t)exchange.output_length + 4, 4);
    put_number(&header, status, 4);
    return header.output_length + exchange.output_length;
}

/* ---- watchdog client ---- */

static bool switchable(const struct device *device)
{
    return device->generation->major > 16 ||
           (device->generation->major == 16 && device->generation->minor >= 1);
}

static void switch_amt(struct computer *computer, bool on)
{
    struct error err = { 0 };

    computer->device->presence = on ? AMT_ON : AMT_SWITCHED_OFF;
    computer_close(computer);
    if (!computer_open(computer, &err))
        fprintf(stderr, "amt-simulator: %s\n", err.message);
    computer_begin_setup(computer);
}

size_t watchdog_answer(struct computer *computer, const unsigned char *request, size_t length,
                       unsigned char *reply)
{
    static const unsigned char is_enabled[] = { 0x05, 0x02, 0x51, 0x10 };
    static const unsigned char set_state[] = { 0x05, 0x03, 0x53, 0x10 };
    bool on = computer->device->presence == AMT_ON;

    computer->device->counters.host_calls++;
    if (length == sizeof(is_enabled) && !memcmp(request, is_enabled, sizeof(is_enabled))) {
        reply[0] = (unsigned char)((switchable(computer->device) ? 1 : 0) | (on ? 2 : 0));
        return 1;
    }
    if (length != sizeof(set_state) + 1 || memcmp(request, set_state, sizeof(set_state)) != 0)
        return 0;
    memset(reply, 0, 8);
    memcpy(reply, set_state, sizeof(set_state));
    if (switchable(computer->device))
        switch_amt(computer, request[sizeof(set_state)] != 0);
    else
        reply[4] = AMT_NOT_PERMITTED;
    return 8;
}
