/*
 * Any bytes that any computer sends to the agents' endpoint are a message that an agent may say, with names,
 * addresses and lengths that the database takes, or are refused with a reason.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "queue/dialogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_name(const char *name)
{
    static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-.";

    check(!name || (*name && strlen(name) <= 253 && !name[strspn(name, allowed)] && !strstr(name, "..") &&
                    *name != '.' && name[strlen(name) - 1] != '.'));
}

static void check_wired(const struct wired_address *wired)
{
    unsigned char bytes[sizeof(struct in6_addr)];

    if (!wired->address)
        check(wired->prefix_bits == 0);
    else if (inet_pton(AF_INET, wired->address, bytes) == 1)
        check(wired->prefix_bits <= 32);
    else
        check(inet_pton(AF_INET6, wired->address, bytes) == 1 && wired->prefix_bits <= 128);
}

static void check_message(const struct message *said)
{
    switch (said->kind) {
    case MESSAGE_ENROL:
        check_name(said->enrol.fqdn);
        check_name(said->enrol.dns_suffix);
        check_wired(&said->enrol.wired);
        check(said->enrol.agent_version && said->enrol.root_hash_count <= 64 &&
              said->enrol.setup_state <= SETUP_UNKNOWN && said->enrol.control_mode <= CONTROL_UNKNOWN);
        break;
    case MESSAGE_OTP_REGISTER:
        check_name(said->otp_register.fqdn);
        check_wired(&said->otp_register.wired);
        check(said->otp_register.wired.address && said->otp_register.hash.length == OTP_HASH_BYTES &&
              said->otp_register.salt.length >= OTP_SALT_LEAST_BYTES &&
              said->otp_register.salt.length <= OTP_SALT_MOST_BYTES);
        break;
    case MESSAGE_ACTIVATED:
        check_wired(&said->activated.wired);
        break;
    default:
        check(said->kind == MESSAGE_POLICY_WANTED || said->kind == MESSAGE_CHECK_FAILED);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct message said = { 0 };
    struct error err = { 0 };
    enum refusal refusal;
    uint64_t correlation;

    if (dialogue_admit(&agent_dialogue, data, size, PEER_AGENT, &said, &refusal, &correlation, &err)) {
        check_message(&said);
        message_free(&said);
    } else {
        check(*err.message && err.reason == REASON_MESSAGE_REFUSED && refusal < REFUSAL_COUNT);
    }
    return 0;
}
