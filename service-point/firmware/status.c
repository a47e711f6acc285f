#include "firmware/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CIM_VENDOR_BASE 32768 /* CIM methods return AMT's own numbers from here on */

/* AMT SDK: "Errors and return values" (PT_STATUS). What is not special to us is REASON_FIRMWARE_STATUS. */
static const struct status {
    uint32_t number;
    enum reason_code reason;
    const char *name;
    const char
        *meaning; /* to an operator; "": the name says what there is to say, or no call of ours gets it */
} statuses[] = {
    { 0, REASON_NONE, "SUCCESS", "" },
    { 1, REASON_FIRMWARE_STATUS, "INTERNAL_ERROR",
      "an error inside the firmware that it says no more about" },
    { 2, REASON_FIRMWARE_BUSY, "NOT_READY", "the firmware has not started up far enough" },
    { 3, REASON_FIRMWARE_STATUS, "INVALID_PT_MODE",
      "the firmware does not take this call in its present mode" },
    { 4, REASON_FIRMWARE_STATUS, "INVALID_MESSAGE_LENGTH", "" },
    { 5, REASON_FIRMWARE_STATUS, "TABLE_FINGERPRINT_NOT_AVAILABLE", "" },
    { 6, REASON_FIRMWARE_STATUS, "INTEGRITY_CHECK_FAILED", "" },
    { 7, REASON_FIRMWARE_STATUS, "UNSUPPORTED_ISVS_VERSION", "" },
    { 8, REASON_FIRMWARE_STATUS, "APPLICATION_NOT_REGISTERED", "" },
    { 9, REASON_FIRMWARE_STATUS, "INVALID_REGISTRATION_DATA", "" },
    { 10, REASON_FIRMWARE_STATUS, "APPLICATION_DOES_NOT_EXIST", "" },
    { 11, REASON_STORE_FULL, "NOT_ENOUGH_STORAGE", "the firmware has no room left" },
    { 12, REASON_VALUE_REFUSED, "INVALID_NAME",
      "a name of a user, of the computer or of a network is none that AMT takes" },
    { 13, REASON_FIRMWARE_STATUS, "BLOCK_DOES_NOT_EXIST", "" },
    { 14, REASON_FIRMWARE_STATUS, "INVALID_BYTE_OFFSET", "" },
    { 15, REASON_FIRMWARE_STATUS, "INVALID_BYTE_COUNT", "" },
    { 16, REASON_NOT_PERMITTED, "NOT_PERMITTED", "the caller or the firmware's state does not allow it" },
    { 17, REASON_NOT_PERMITTED, "NOT_OWNER", "" },
    { 18, REASON_FIRMWARE_BUSY, "BLOCK_LOCKED_BY_OTHER", "" },
    { 19, REASON_FIRMWARE_STATUS, "BLOCK_NOT_LOCKED", "" },
    { 20, REASON_NOT_PERMITTED, "INVALID_GROUP_PERMISSIONS", "" },
    { 21, REASON_FIRMWARE_STATUS, "GROUP_DOES_NOT_EXIST", "" },
    { 22, REASON_FIRMWARE_STATUS, "INVALID_MEMBER_COUNT", "" },
    { 23, REASON_STORE_FULL, "MAX_LIMIT_REACHED",
      "the table of users, certificates, keys or networks is full" },
    { 24, REASON_VALUE_REFUSED, "INVALID_AUTH_TYPE", "AMT knows no such kind of key or of authentication" },
    { 25, REASON_FIRMWARE_STATUS, "AUTHENTICATION_FAILED", "the firmware could not log in where it was to" },
    { 26, REASON_VALUE_REFUSED, "INVALID_DHCP_MODE", "the address settings contradict each other" },
    { 27, REASON_VALUE_REFUSED, "INVALID_IP_ADDRESS", "the address is none that a computer can have" },
    { 28, REASON_VALUE_REFUSED, "INVALID_DOMAIN_NAME", "the domain of the FQDN is none that AMT takes" },
    { 29, REASON_UNSUPPORTED, "UNSUPPORTED_VERSION", "" },
    { 30, REASON_FIRMWARE_STATUS, "REQUEST_UNEXPECTED", "the firmware wants another call before this one" },
    { 31, REASON_FIRMWARE_STATUS, "INVALID_TABLE_TYPE", "" },
    { 32, REASON_FIRMWARE_STATUS, "INVALID_PROVISIONING_STATE",
      "the firmware is not in the state of provisioning that the call is for" },
    { 33, REASON_UNSUPPORTED, "UNSUPPORTED_OBJECT", "" },
    { 34, REASON_FIRMWARE_STATUS, "INVALID_TIME",
      "the time lies before the firmware's own beginning of time: look at the service point's clock" },
    { 35, REASON_FIRMWARE_STATUS, "INVALID_INDEX", "the firmware's list changed while it was read" },
    { 36, REASON_VALUE_REFUSED, "INVALID_PARAMETER",
      "a parameter is out of the range that this firmware takes" },
    { 37, REASON_VALUE_REFUSED, "INVALID_NETMASK", "the netmask is none" },
    { 38, REASON_FLASH_WEAR, "FLASH_WRITE_LIMIT_EXCEEDED", "too many writes in a short time" },
    { 39, REASON_FIRMWARE_STATUS, "INVALID_IMAGE_LENGTH", "" },
    { 40, REASON_FIRMWARE_STATUS, "INVALID_IMAGE_SIGNATURE", "" },
    { 41, REASON_FIRMWARE_STATUS, "PROPOSE_ANOTHER_VERSION", "" },
    { 42, REASON_FIRMWARE_STATUS, "INVALID_PID_FORMAT", "" },
    { 43, REASON_FIRMWARE_STATUS, "INVALID_PPS_FORMAT", "" },
    { 44, REASON_FIRMWARE_STATUS, "BIST_COMMAND_BLOCKED", "" },
    { 45, REASON_FIRMWARE_STATUS, "CONNECTION_FAILED", "" },
    { 46, REASON_FIRMWARE_BUSY, "CONNECTION_TOO_MANY", "the firmware has no connection to spare" },
    { 47, REASON_FIRMWARE_BUSY, "RNG_GENERATION_IN_PROGRESS",
      "the firmware is seeding its random generator" },
    { 48, REASON_FIRMWARE_BUSY, "RNG_NOT_READY", "the firmware has not seeded its random generator yet" },
    { 49, REASON_FIRMWARE_BUSY, "CERTIFICATE_NOT_READY", "the firmware is still making its own certificate" },
    { 512, REASON_NOT_PERMITTED, "REMOTE_ACCESS_NOT_GRANTED", "" },
    { 513, REASON_NOT_PERMITTED, "REMOTE_ACCESS_HOST_VPN_IS_DISABLED", "" },
    { 1024, REASON_NOT_PERMITTED, "DISABLED_BY_POLICY", "a policy in the firmware forbids it" },
    { 2048, REASON_FIRMWARE_STATUS, "NETWORK_IF_ERROR_BASE", "" },
    { 2049, REASON_FIRMWARE_STATUS, "UNSUPPORTED_OEM_NUMBER", "" },
    { 2050, REASON_UNSUPPORTED, "UNSUPPORTED_BOOT_OPTION", "" },
    { 2051, REASON_FIRMWARE_STATUS, "INVALID_COMMAND", "" },
    { 2052, REASON_FIRMWARE_STATUS, "INVALID_SPECIAL_COMMAND", "" },
    { 2053, REASON_FIRMWARE_STATUS, "INVALID_HANDLE", "the entry went away while it was worked on" },
    { 2054, REASON_VALUE_REFUSED, "INVALID_PASSWORD",
      "the password does not meet AMT's rules: 8 to 32 characters, with upper and lower case, a digit and a "
      "sign" },
    { 2055, REASON_UNSUPPORTED, "INVALID_REALM", "this firmware does not know a right of a user" },
    { 2056, REASON_FIRMWARE_STATUS, "STORAGE_ACL_ENTRY_IN_USE", "" },
    { 2057, REASON_DATA_MISSING, "DATA_MISSING", "something that the commit needs is not set" },
    { 2058, REASON_FIRMWARE_STATUS, "DUPLICATE", "an entry like it is there already" },
    { 2059, REASON_FIRMWARE_STATUS, "EVENTLOG_FROZEN", "" },
    { 2060, REASON_FIRMWARE_STATUS, "PKI_MISSING_KEYS",
      "the certificate's private key is not in the firmware" },
    { 2061, REASON_FIRMWARE_BUSY, "PKI_GENERATING_KEYS", "the firmware is making a key" },
    { 2062, REASON_FIRMWARE_STATUS, "INVALID_KEY", "the key is none that this firmware takes" },
    { 2063, REASON_FIRMWARE_STATUS, "INVALID_CERT", "the certificate is none that this firmware takes" },
    { 2064, REASON_FIRMWARE_STATUS, "CERT_KEY_NOT_MATCH", "certificate and key do not belong together" },
    { 2065, REASON_STORE_FULL, "MAX_KERB_DOMAIN_REACHED",
      "the users and groups are of more directory domains than AMT can hold" },
    { 2066, REASON_UNSUPPORTED, "UNSUPPORTED", "this firmware cannot do it" },
    { 2067, REASON_VALUE_REFUSED, "INVALID_PRIORITY", "another wireless network has the same priority" },
    { 2068, REASON_FIRMWARE_STATUS, "NOT_FOUND", "the entry is not there any more" },
    { 2069, REASON_VALUE_REFUSED, "INVALID_CREDENTIALS", "the credentials are none that AMT takes" },
    { 2070, REASON_VALUE_REFUSED, "INVALID_PASSPHRASE",
      "the passphrase is none that AMT takes: 8 to 63 characters" },
    { 2072, REASON_FIRMWARE_STATUS, "NO_ASSOCIATION", "no certificate has been chosen yet" },
    { 2075, REASON_NOT_PERMITTED, "AUDIT_FAIL",
      "the firmware's audit log is full or locked, and it does nothing that it cannot record" },
    { 2076, REASON_NOT_PERMITTED, "BLOCKING_COMPONENT", "a component of the firmware blocks it" },
    { 2081, REASON_NOT_PERMITTED, "USER_CONSENT_REQUIRED",
      "the person at the computer would have to allow it" },
    { 2082, REASON_FIRMWARE_BUSY, "OPERATION_IN_PROGRESS", "the firmware is at something else" },
    { 2500, REASON_FIRMWARE_STATUS, "IPV6_INTERFACE_DISABLED", "the firmware's IPv6 is off" },
    { 2501, REASON_UNSUPPORTED, "INTERFACE_DOES_NOT_EXIST", "the computer has no such network interface" },
};

/* CIM schema: ReturnValue of RequestStateChange and its relatives. */
static const struct status cim_results[] = {
    { 0, REASON_NONE, "completed", "" },
    { 1, REASON_UNSUPPORTED, "not supported", "" },
    { 2, REASON_FIRMWARE_STATUS, "unknown error", "" },
    { 3, REASON_FIRMWARE_BUSY, "cannot complete within the time-out", "" },
    { 4, REASON_FIRMWARE_STATUS, "failed", "" },
    { 5, REASON_VALUE_REFUSED, "invalid parameter",
      "a parameter is out of the range that this firmware takes" },
    { 6, REASON_FIRMWARE_BUSY, "in use", "" },
    { 4096, REASON_NONE, "job started", "" },
    { 4097, REASON_FIRMWARE_STATUS, "invalid state transition", "" },
    { 4098, REASON_UNSUPPORTED, "a time-out parameter is not supported", "" },
    { 4099, REASON_FIRMWARE_BUSY, "busy", "" },
};

/* AMT SDK: IPS_HostBasedSetupService, IPS_OptInService. */
static const struct status setup_results[] = {
    { 0, REASON_NONE, "success", "" },
    { 1, REASON_FIRMWARE_STATUS, "internal error", "" },
    { 2, REASON_FIRMWARE_STATUS, "invalid state", "" },
    { 3, REASON_FIRMWARE_STATUS, "invalid parameter",
      "a parameter is out of the range that this firmware takes" },
    { 4, REASON_NOT_PERMITTED, "method disabled, or failed", "" },
    { 5, REASON_FIRMWARE_STATUS, "authentication failed", "" },
    { 6, REASON_FLASH_WEAR, "flash write limit exceeded", "" },
};

/* AMT SDK: AMT_WiFiPortConfigurationService.AddWiFiSettings, UpdateWiFiSettings. */
static const struct status wireless_results[] = {
    { 0, REASON_NONE, "success", "" },
    { 1, REASON_UNSUPPORTED, "not supported", "" },
    { 2, REASON_FIRMWARE_STATUS, "failed", "" },
    { 3, REASON_VALUE_REFUSED, "invalid parameter",
      "a parameter is out of the range that this firmware takes" },
    { 4, REASON_FIRMWARE_STATUS, "invalid reference", "" },
};

static const struct status *find(const struct status *table, size_t count, uint32_t number)
{
    static const struct status unknown = { 0, REASON_FIRMWARE_STATUS, "unknown status", "" };

    for (size_t i = 0; i < count; i++) {
        if (table[i].number == number)
            return &table[i];
    }
    return &unknown;
}

bool status_is_refusal(const struct error *err)
{
    return err->reason == REASON_FIRMWARE_STATUS || err->reason == REASON_VALUE_REFUSED;
}

const char *status_name(uint32_t status)
{
    return find(statuses, COUNT_OF(statuses), status)->name;
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static const struct status *judge(const char *class_name, const char *method, uint32_t value)
{
    bool state_change = strcmp(method, "RequestStateChange") == 0;

    if ((state_change || begins_with(class_name, "CIM_")) && value < CIM_VENDOR_BASE)
        return find(cim_results, COUNT_OF(cim_results), value);
    if (value >= CIM_VENDOR_BASE)
        return find(statuses, COUNT_OF(statuses), value - CIM_VENDOR_BASE);
    if (begins_with(class_name, "AMT_WiFiPortConfigurationService"))
        return find(wireless_results, COUNT_OF(wireless_results), value);
    if (begins_with(class_name, "IPS_HostBasedSetupService") || begins_with(class_name, "IPS_OptInService"))
        return find(setup_results, COUNT_OF(setup_results), value);
    return find(statuses, COUNT_OF(statuses), value);
}

/* Some firmware says NOT_FOUND where the thing that is to be added is there already. */
static bool says_duplicate(const char *method, uint32_t number)
{
    return number == PT_STATUS_DUPLICATE ||
           (strcmp(status_name(number), "NOT_FOUND") == 0 &&
            (begins_with(method, "Add") || begins_with(method, "CertStoreAdd")));
}

bool status_check(const char *class_name, const char *method, uint32_t return_value, struct error *err)
{
    const struct status *status = judge(class_name, method, return_value);
    uint32_t number = return_value >= CIM_VENDOR_BASE ? return_value - CIM_VENDOR_BASE : return_value;

    if (status->reason == REASON_NONE)
        return true;
    error_because(err, status->reason, "%s.%s returned %u (%s)%s%s", class_name, method,
                  (unsigned)return_value, status->name, *status->meaning ? ": " : "", status->meaning);
    if (says_duplicate(method, number))
        err->code = ERROR_CONFLICT;
    return false;
}

/* DSP0226 14 and WS-Addressing 2004/08, as AMT uses them; at the end SOAP 1.1 4.4.1, whose "Client" is what
 * firmware says to an operation that is newer than itself. */
static const struct fault_meaning {
    const char *subcode;
    enum error_code code; /* ERROR_NONE: as the reason says */
    enum reason_code reason;
} fault_meanings[] = {
    { "DestinationUnreachable", ERROR_ABSENT, REASON_UNSUPPORTED },
    { "EndpointUnavailable", ERROR_NONE, REASON_FIRMWARE_BUSY },
    { "AlreadyExists", ERROR_CONFLICT, REASON_FIRMWARE_FAULT },
    { "AccessDenied", ERROR_NONE, REASON_NOT_PERMITTED },
    { "ActionNotSupported", ERROR_ABSENT, REASON_UNSUPPORTED },
    { "UnsupportedFeature", ERROR_NONE, REASON_UNSUPPORTED },
    { "Concurrency", ERROR_NONE, REASON_FIRMWARE_BUSY },
    { "QuotaLimit", ERROR_NONE, REASON_STORE_FULL },
    { "TimedOut", ERROR_NONE, REASON_FIRMWARE_BUSY },
    { "Client", ERROR_ABSENT, REASON_UNSUPPORTED },
    { "Server", ERROR_NONE, REASON_FIRMWARE_FAULT },
    { "VersionMismatch", ERROR_NONE, REASON_UNSUPPORTED },
};

/* "AMT-STATUS 36" anywhere in the detail. */
static bool detail_status(const char *detail, uint32_t *number)
{
    static const char mark[] = "AMT-STATUS";
    const char *found = detail ? strstr(detail, mark) : NULL;
    unsigned long value;
    char *end;

    if (!found)
        return false;
    found += strlen(mark);
    found += strspn(found, " :=");
    if (*found < '0' || *found > '9')
        return false;
    value = strtoul(found, &end, 10);
    *number = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
    return true;
}

bool status_fault(const char *class_name, const char *operation, const struct firmware_fault *fault,
                  struct error *err)
{
    const char *subcode = fault->subcode ? fault->subcode : "";
    size_t length = strcspn(subcode, "."); /* SOAP 1.1 4.4.1: "Client.Authentication" is a "Client" too */
    const char *text = fault->reason_text ? fault->reason_text : "";
    uint32_t number;

    if (detail_status(fault->detail, &number) && number != PT_STATUS_SUCCESS) {
        const struct status *status = find(statuses, COUNT_OF(statuses), number);

        error_because(err, status->reason, "%s.%s failed with AMT-STATUS %u (%s)%s%s", class_name, operation,
                      (unsigned)number, status->name, *status->meaning ? ": " : "", status->meaning);
        if (number == PT_STATUS_DUPLICATE)
            err->code = ERROR_CONFLICT;
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(fault_meanings); i++) {
        if (strlen(fault_meanings[i].subcode) == length &&
            strncmp(subcode, fault_meanings[i].subcode, length) == 0) {
            error_because(err, fault_meanings[i].reason, "%s.%s: fault %.60s: %.160s", class_name, operation,
                          subcode, text);
            if (fault_meanings[i].code != ERROR_NONE)
                err->code = fault_meanings[i].code;
            return false;
        }
    }
    return error_because(err, REASON_FIRMWARE_FAULT, "%s.%s: fault %.60s: %.160s", class_name, operation,
                         *subcode ? subcode : "without subcode", text);
}
