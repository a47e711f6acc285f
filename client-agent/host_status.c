/* AMT_STATUS: AMT SDK, "PT status"; StatusCodeDefinitions.h of Intel's local management service. */
#include "host_interface.h"

static const struct {
    uint32_t status;
    const char *name;
    const char *meaning; /* NULL: the name says all that is known */
} statuses[] = {
    { 0x00, "SUCCESS", NULL },
    { 0x01, "INTERNAL_ERROR", "the firmware failed; try again, then take the power cord out for a minute" },
    { 0x02, "NOT_READY",
      "the firmware has no DHCP server or no DNS suffix from it yet; check the wired network" },
    { 0x03, "INVALID_AMT_MODE", "not possible in its provisioning state; 'status' shows it" },
    { 0x04, "INVALID_MESSAGE_LENGTH", NULL },
    { 0x05, "TABLE_FINGERPRINT_NOT_AVAILABLE", NULL },
    { 0x06, "INTEGRITY_CHECK_FAILED", NULL },
    { 0x07, "UNSUPPORTED_ISVS_VERSION", NULL },
    { 0x08, "APPLICATION_NOT_REGISTERED", NULL },
    { 0x09, "INVALID_REGISTRATION_DATA", NULL },
    { 0x0A, "APPLICATION_DOES_NOT_EXIST", NULL },
    { 0x0B, "NOT_ENOUGH_STORAGE", NULL },
    { 0x0C, "INVALID_NAME", NULL },
    { 0x0D, "BLOCK_DOES_NOT_EXIST", NULL },
    { 0x0E, "INVALID_BYTE_OFFSET", NULL },
    { 0x0F, "INVALID_BYTE_COUNT", NULL },
    { 0x10, "NOT_PERMITTED", "switched off in MEBx, the firmware's own menu" },
    { 0x11, "NOT_OWNER", NULL },
    { 0x12, "BLOCK_LOCKED_BY_OTHER", NULL },
    { 0x13, "BLOCK_NOT_LOCKED", NULL },
    { 0x14, "INVALID_GROUP_PERMISSIONS", NULL },
    { 0x15, "GROUP_DOES_NOT_EXIST", NULL },
    { 0x16, "INVALID_MEMBER_COUNT", NULL },
    { 0x17, "MAX_LIMIT_REACHED", NULL },
    { 0x18, "INVALID_AUTH_TYPE", NULL },
    { 0x19, "AUTHENTICATION_FAILED", NULL },
    { 0x1A, "INVALID_DHCP_MODE", NULL },
    { 0x1B, "INVALID_IP_ADDRESS", NULL },
    { 0x1C, "INVALID_DOMAIN_NAME", NULL },
    { 0x1D, "UNSUPPORTED_VERSION", NULL },
    { 0x1E, "REQUEST_UNEXPECTED", NULL },
    { 0x1F, "INVALID_TABLE_TYPE", NULL },
    { 0x20, "INVALID_PROVISIONING_STATE", "not possible in its provisioning state; 'status' shows it" },
    { 0x21, "UNSUPPORTED_OBJECT", NULL },
    { 0x22, "INVALID_TIME", NULL },
    { 0x23, "INVALID_INDEX", NULL },
    { 0x24, "INVALID_PARAMETER", NULL },
    { 0x25, "INVALID_NETMASK", NULL },
    { 0x26, "FLASH_WRITE_LIMIT_EXCEEDED", "too many writes in a short time; try again in an hour" },
    { 0x27, "INVALID_IMAGE_LENGTH", NULL },
    { 0x28, "INVALID_IMAGE_SIGNATURE", NULL },
    { 0x29, "PROPOSE_ANOTHER_VERSION", NULL },
    { 0x2A, "INVALID_PID_FORMAT", NULL },
    { 0x2B, "INVALID_PPS_FORMAT", NULL },
    { 0x2C, "BIST_COMMAND_BLOCKED", NULL },
    { 0x2D, "CONNECTION_FAILED", NULL },
    { 0x2E, "CONNECTION_TOO_MANY", NULL },
    { 0x2F, "RNG_GENERATION_IN_PROGRESS",
      "its random generator is being seeded; try again in a few minutes" },
    { 0x30, "RNG_NOT_READY", "its random generator has no seed; try again in a few minutes" },
    { 0x31, "CERTIFICATE_NOT_READY", "its own certificate is still being made; try again in a few minutes" },
    { 0x200, "REMOTE_ACCESS_NOT_GRANTED", NULL },
    { 0x201, "REMOTE_ACCESS_HOST_VPN_IS_DISABLED", NULL },
    { 0x202, "REMOTE_ACCESS_GRANTED_WITHOUT_DDNS", NULL },
    { 0x203, "REMOTE_ACCESS_GRANTED_WITH_DDNS", NULL },
    { 0x400, "DISABLED_BY_POLICY", NULL },
    { 0x800, "NETWORK_IF_ERROR_BASE", NULL },
    { 0x801, "UNSUPPORTED_OEM_NUMBER", NULL },
    { 0x802, "UNSUPPORTED_BOOT_OPTION", NULL },
    { 0x803, "INVALID_COMMAND", "this firmware does not know the command" },
    { 0x804, "INVALID_SPECIAL_COMMAND", NULL },
    { 0x805, "INVALID_HANDLE", NULL },
    { 0x806, "INVALID_PASSWORD", NULL },
    { 0x807, "INVALID_REALM", NULL },
    { 0x808, "STORAGE_ACL_ENTRY_IN_USE", NULL },
    { 0x809, "DATA_MISSING", NULL },
    { 0x80A, "DUPLICATE", NULL },
    { 0x80B, "EVENTLOG_FROZEN", NULL },
    { 0x80C, "PKI_MISSING_KEYS", NULL },
    { 0x80D, "PKI_GENERATING_KEYS", NULL },
    { 0x80E, "INVALID_KEY", NULL },
    { 0x80F, "INVALID_CERT", NULL },
    { 0x810, "CERT_KEY_NOT_MATCH", NULL },
    { 0x811, "MAX_KERB_DOMAIN_REACHED", NULL },
    { 0x812, "UNSUPPORTED", "this firmware does not know the command" },
    { 0x813, "INVALID_PRIORITY", NULL },
    { 0x814, "NOT_FOUND", NULL },
    { 0x815, "INVALID_CREDENTIALS", NULL },
    { 0x816, "INVALID_PASSPHRASE", NULL },
    { 0x818, "NO_ASSOCIATION", NULL },
    { 0x81B, "AUDIT_FAIL", NULL },
    { 0x81C, "BLOCKING_COMPONENT", "an auditor holds its log" },
    { 0x9C4, "IPV6_INTERFACE_DISABLED", NULL },
    { 0x9C5, "INTERFACE_DOES_NOT_EXIST", NULL },
};

const char *host_status_name(uint32_t status)
{
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        if (statuses[i].status == status)
            return statuses[i].name;
    }
    return "an unknown status";
}

const char *host_status_meaning(uint32_t status)
{
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        if (statuses[i].status == status && statuses[i].meaning)
            return statuses[i].meaning;
    }
    return "";
}
