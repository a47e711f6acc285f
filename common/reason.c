#include "reason.h"

#include <stddef.h>
#include <string.h>

#define NEVER RETRY_NEVER
#define LATER RETRY_LATER

static const struct reason reasons[REASON_COUNT] = {
    [REASON_NONE] = { "", NEVER, STATUS_KEEP, "", "" },
    [REASON_UNKNOWN_COMPUTER] = { "unknown-computer", NEVER, STATUS_KEEP, "the UUID was never imported",
                                  "import the computer, or leave it: it stays in amt.unknown_hello" },
    [REASON_MANAGED_IN_BAND] = { "managed-in-band", NEVER, STATUS_KEEP,
                                 "the computer is provisioned by its client agent",
                                 "nothing, or move the computer to out-of-band management" },
    [REASON_BLOCKED] = { "blocked", NEVER, STATUS_KEEP, "an operator blocked the computer",
                         "amt.unblock(uuid) when it may be provisioned again" },
    [REASON_JOB_UNDER_WAY] = { "job-under-way", LATER, STATUS_KEEP, "a job for this computer is open already",
                               "wait for it, or cancel it" },
    [REASON_JUST_PROVISIONED] = { "just-provisioned", NEVER, STATUS_KEEP,
                                  "the computer was provisioned moments ago and this Hello is a late one",
                                  "nothing" },
    [REASON_REPROVISIONING_OFF] = { "reprovisioning-off", NEVER, STATUS_KEEP,
                                    "the computer lost its provisioning and automatic re-provisioning is off "
                                    "for it",
                                    "request a provision job, or switch automatic re-provisioning on" },
    [REASON_UNPROVISIONED] = { "unprovisioned", NEVER, STATUS_NOT_PROVISIONED,
                               "an operator had the computer unprovisioned, and so it stays",
                               "request a provision job when it shall be provisioned again" },
    [REASON_SUBNET_NOT_GRANTED] = { "subnet-not-granted", NEVER, STATUS_KEEP,
                                    "the service point may not serve this subnet",
                                    "amtctl service-point approve --subnets, if it shall" },
    [REASON_DUMMY_UUID] = { "dummy-uuid", NEVER, STATUS_KEEP, "the UUID is a placeholder, not an identity",
                            "have the vendor's tool write the SMBIOS UUID of the board" },
    [REASON_NO_COMMON_ROOT] = { "no-common-root", NEVER, STATUS_DETECTED, "no trusted root in common",
                                "use a provisioning certificate from one of the computer's roots, or add our "
                                "root's "
                                "hash to the firmware" },
    [REASON_NO_ACCOUNT_ACCEPTED] = { "no-account-accepted", NEVER, STATUS_DETECTED, "no account accepted",
                                     "add the account that opens it with 'amtctl account add', or "
                                     "unprovision the "
                                     "computer in MEBx" },
    [REASON_CLIENT_CERTIFICATE_REFUSED] = { "client-certificate-refused", NEVER, STATUS_DETECTED,
                                            "the firmware refused our provisioning certificate",
                                            "compare the certificate's name with the computer's DNS suffix "
                                            "(DHCP "
                                            "option 15, or the PKI DNS suffix in MEBx)" },
    [REASON_SUFFIX_MISMATCH] = { "suffix-mismatch", NEVER, STATUS_DETECTED,
                                 "the provisioning certificate's name does not cover the computer's DNS "
                                 "suffix",
                                 "use a certificate for that domain, or set the PKI DNS suffix in MEBx" },
    [REASON_CERTIFICATE_EXPIRED] = { "certificate-expired", NEVER, STATUS_DETECTED,
                                     "the provisioning certificate is not valid now",
                                     "renew the provisioning certificate" },
    [REASON_CERTIFICATE_PURPOSE] = { "certificate-purpose", NEVER, STATUS_DETECTED,
                                     "the provisioning certificate carries neither EKU "
                                     "2.16.840.1.113741.1.2.3 nor OU "
                                     "'Intel(R) Client Setup Certificate'",
                                     "order a certificate for AMT provisioning" },
    [REASON_CERTIFICATE_ORDER] = { "certificate-order", NEVER, STATUS_DETECTED,
                                   "the provisioning certificate's chain is not leaf first, root last and "
                                   "complete",
                                   "put leaf, intermediates and root into the file, in this order" },
    [REASON_CERTIFICATE_KEY_SIZE] = { "certificate-key-size", NEVER, STATUS_DETECTED,
                                      "a key of the provisioning certificate's chain is too small for this "
                                      "firmware",
                                      "use RSA keys of 2048 bits or more" },
    [REASON_CERTIFICATE_HASH] = { "certificate-hash", NEVER, STATUS_DETECTED,
                                  "the chain is signed with a hash that this firmware does not take",
                                  "use a chain signed with SHA-256" },
    [REASON_IDENTITY_NOT_PROVEN] = { "identity-not-proven", NEVER, STATUS_DETECTED,
                                     "the one-time password does not match",
                                     "look at the computer: another device may answer at its address" },
    [REASON_WRONG_UUID] = { "wrong-uuid", NEVER, STATUS_DETECTED, "another computer answers at this address",
                            "check DHCP and DNS for a duplicate address" },
    [REASON_DEVICE_CERTIFICATE_CHANGED] = { "device-certificate-changed", LATER, STATUS_DETECTED,
                                            "the device's certificate changed during the job",
                                            "if it happens again, somebody may be between us and the "
                                            "computer" },
    [REASON_DEVICE_CERTIFICATE_WRONG] = { "device-certificate-wrong", NEVER, STATUS_DETECTED,
                                          "the device does not present the certificate that this site issued",
                                          "check that no other device answers at this address, then "
                                          "unprovision it" },
    [REASON_ALREADY_PROVISIONED] = { "already-provisioned", NEVER, STATUS_EXTERNALLY_PROVISIONED,
                                     "the firmware is provisioned, and not by this site",
                                     "unprovision it with the tool that owns it, or add its account" },
    [REASON_NOT_PROVISIONED] = { "not-provisioned", NEVER, STATUS_NOT_PROVISIONED,
                                 "the firmware is not provisioned any more",
                                 "request a provision job, or wait for the computer's Hello" },
    [REASON_FALSE_HELLO] = { "false-hello", NEVER, STATUS_PROVISIONED,
                             "a Hello came in its name from another address, but it is still provisioned",
                             "find out what answers at the address that the Hello came from" },
    [REASON_NAME_MISSING] = { "name-missing", NEVER, STATUS_NOT_PROVISIONED, "the computer has no FQDN",
                              "import the computer with its FQDN" },
    [REASON_CONSOLE_CERTIFICATE_REFUSED] = { "console-certificate-refused", NEVER, STATUS_PROVISIONED,
                                             "the computer is in mutual TLS and refused the service point's "
                                             "console certificate",
                                             "compare the authority that the computer trusts with 'amtctl ca "
                                             "show', its trusted names and its clock with the "
                                             "certificate in amt.console_certificate; if nobody else's "
                                             "certificate opens it, unprovision it in MEBx" },
    [REASON_MANAGED_OUT_OF_BAND] = { "managed-out-of-band", NEVER, STATUS_KEEP,
                                     "the computer is provisioned by its Hello messages",
                                     "nothing, or 'amtctl computer in-band' to leave it to its agent" },
    [REASON_PROVISIONING_OFF] = { "provisioning-off", NEVER, STATUS_KEEP,
                                  "the policy of the computer or of its profile says not to provision it",
                                  "'amtctl computer policy' when it shall be provisioned" },
    [REASON_HELD_BY_SITE] = { "held-by-site", NEVER, STATUS_KEEP, "the computer is provisioned by this site",
                              "nothing" },
    [REASON_NO_HOST_INTERFACE] = { "no-host-interface", NEVER, STATUS_NOT_SUPPORTED,
                                   "the computer has no MEI device through which to reach its firmware",
                                   "load the mei_me driver, or enable the ME in BIOS; without either the "
                                   "computer has no AMT" },
    [REASON_AMT_DISABLED] = { "amt-disabled", NEVER, STATUS_NOT_SUPPORTED, "AMT is switched off",
                              "enable it in BIOS or MEBx, or let the policy enable it (AMT 16.1 and later)" },
    [REASON_ZERO_TOUCH_OFF] = { "zero-touch-off", NEVER, STATUS_DETECTED,
                                "the firmware does not take remote configuration",
                                "enable remote configuration (zero touch) in MEBx" },
    [REASON_NO_WIRED_NETWORK] = { "no-wired-network", LATER, STATUS_KEEP,
                                  "the firmware's wired interface has no link or no address",
                                  "plug in the cable; setup works over the wired interface only" },
    [REASON_ACTIVATION_FAILED] = { "activation-failed", LATER, STATUS_KEEP,
                                   "the firmware did not begin its setup", "see the text for its status" },
    [REASON_NOT_ENROLLED] = { "not-enrolled", LATER, STATUS_KEEP, "the agent's key is bound to no computer",
                              "nothing; it enrols again by itself" },
    [REASON_TOKEN_MISSING] = { "token-missing", NEVER, STATUS_KEEP, "the agent has no enrolment token",
                               "make one with 'amtctl token create' and give it to the agent" },
    [REASON_TOKEN_UNKNOWN] = { "token-unknown", NEVER, STATUS_KEEP,
                               "the enrolment token is none of this site's",
                               "make one with 'amtctl token create' and give it to the agent" },
    [REASON_TOKEN_EXPIRED] = { "token-expired", NEVER, STATUS_KEEP, "the enrolment token has expired",
                               "make a new one with 'amtctl token create'" },
    [REASON_TOKEN_REVOKED] = { "token-revoked", NEVER, STATUS_KEEP, "the enrolment token was revoked",
                               "make a new one with 'amtctl token create', if the computer shall enrol" },
    [REASON_TOKEN_OF_ANOTHER] = { "token-of-another", NEVER, STATUS_KEEP,
                                  "the enrolment token was made for another computer",
                                  "give the computer a token of its own, or one of the site's" },
    [REASON_BOUND_TO_ANOTHER_KEY] = { "bound-to-another-key", NEVER, STATUS_KEEP,
                                      "the computer's UUID is bound to another agent's key",
                                      "if its agent was installed anew, 'amtctl computer unbind'; otherwise "
                                      "find out who claims to be this computer" },
    [REASON_KEY_OF_ANOTHER] = { "key-of-another", NEVER, STATUS_KEEP,
                                "the agent's key is bound to another computer's UUID",
                                "have the agent make a key of its own: a disk image must not carry one" },
    [REASON_NAME_TAKEN] = { "name-taken", NEVER, STATUS_KEEP, "another computer has this name already",
                            "remove the other one if it is gone, or import this one under another name" },
    [REASON_OTP_MISSING] = { "otp-missing", NEVER, STATUS_NOT_PROVISIONED,
                             "no one-time password that is still good is registered for the computer",
                             "nothing; its agent registers a new one when it comes back" },
    [REASON_OTP_USED] = { "otp-used", NEVER, STATUS_KEEP, "the one-time password was registered before",
                          "have a look at the agent: it has to make a new one each time" },
    [REASON_TOO_OFTEN] = { "too-often", LATER, STATUS_KEEP,
                           "more messages came from this agent or its address than are taken",
                           "nothing; or raise agents.rate_key or agents.rate_address" },
    [REASON_MORE_ACCOUNTS] = { "more-accounts-to-try", LATER, STATUS_DETECTED,
                               "the accounts tried so far were refused; the list continues at the next "
                               "contact",
                               "nothing, or add the right account now" },
    [REASON_UNREACHABLE] = { "unreachable", LATER, STATUS_KEEP, "the computer does not answer",
                             "check power, cable and firewalls (TCP 16993)" },
    [REASON_PORT_CLOSED] = { "port-closed", LATER, STATUS_KEEP,
                             "something answers at the computer's address, but AMT's port stays closed",
                             "check that the address is right; AMT may be switched off or unprovisioned" },
    [REASON_CONNECTION_LOST] = { "connection-lost", LATER, STATUS_KEEP, "the connection was lost",
                                 "nothing; the job is tried again" },
    [REASON_TIMEOUT] = { "timeout", LATER, STATUS_KEEP, "the firmware did not answer in time",
                         "nothing; if it lasts, remove mains power for a minute" },
    [REASON_TLS_FAILED] = { "tls-failed", LATER, STATUS_DETECTED, "the TLS handshake failed",
                            "allow the old TLS versions for this firmware if the message names versions or "
                            "suites" },
    [REASON_NO_AMT] = { "no-amt", NEVER, STATUS_NOT_SUPPORTED, "no AMT answers at this address",
                        "check that the address is right and AMT is enabled in BIOS and MEBx" },
    [REASON_HTTP_ERROR] = { "http-error", LATER, STATUS_KEEP, "the firmware answered with an HTTP error",
                            "if it lasts, update the firmware" },
    [REASON_MALFORMED_REPLY] = { "malformed-reply", LATER, STATUS_KEEP, "the firmware's answer is not valid",
                                 "if it lasts, update the firmware" },
    [REASON_REPLY_TOO_LARGE] = { "reply-too-large", LATER, STATUS_KEEP,
                                 "the firmware's answer is larger than any AMT sends",
                                 "check which device answers at this address" },
    [REASON_FIRMWARE_FAULT] = { "firmware-fault", LATER, STATUS_KEEP, "the firmware answered with a fault",
                                "see the step's detail; if it lasts, unprovision in MEBx" },
    [REASON_FIRMWARE_STATUS] = { "firmware-status", LATER, STATUS_KEEP, "the firmware refused a call",
                                 "nothing; the job is tried again; if it lasts, update the firmware or "
                                 "unprovision the computer in MEBx" },
    [REASON_VALUE_REFUSED] = { "value-refused", NEVER, STATUS_KEEP,
                               "the firmware does not take a value that import or profile gave it",
                               "mend the value that the message names, in the import or with 'amtctl profile "
                               "set', then request the job again" },
    [REASON_FIRMWARE_BUSY] = { "firmware-busy", LATER, STATUS_KEEP, "the firmware is busy",
                               "nothing; the job is tried again" },
    [REASON_FLASH_WEAR] = { "flash-wear", LATER, STATUS_KEEP,
                            "the firmware protects its flash and takes no writes for now",
                            "nothing; the job is tried again hours later" },
    [REASON_DATA_MISSING] = { "data-missing", NEVER, STATUS_NOT_PROVISIONED,
                              "the firmware says that something needed for the commit is not set",
                              "set the MEBx password in the profile (needed from AMT 19), then request the "
                              "job again" },
    [REASON_NOT_PERMITTED] = { "not-permitted", NEVER, STATUS_KEEP, "the firmware does not permit this now",
                               "check the MEBx policy of the computer" },
    [REASON_STORE_FULL] = { "store-full", NEVER, STATUS_KEEP, "a table of the firmware is full",
                            "remove entries that are no longer used, or unprovision" },
    [REASON_UNSUPPORTED] = { "unsupported", NEVER, STATUS_KEEP,
                             "this firmware cannot do what the profile asks",
                             "change the profile for this generation" },
    [REASON_COMMIT_HAD_NO_EFFECT] = { "commit-had-no-effect", LATER, STATUS_NOT_PROVISIONED,
                                      "the firmware took the commit but stayed in setup",
                                      "nothing; the job is tried again" },
    [REASON_TIME_UP] = { "time-up", LATER, STATUS_KEEP, "the job's time was up",
                         "nothing; if it lasts, look which step is slow" },
    [REASON_NO_SERVICE_POINT] = { "no-service-point", LATER, STATUS_KEEP,
                                  "no connected service point serves the computer's address",
                                  "start one, or give one that runs the computer's subnet" },
    [REASON_LEASE_OVER] = { "lease-over", LATER, STATUS_KEEP, "the service point did not report in time",
                            "nothing; the job is tried again" },
    [REASON_STALE_ATTEMPT] = { "stale-attempt", NEVER, STATUS_KEEP,
                               "the result is from an attempt that is over", "nothing" },
    [REASON_SERVICE_POINT_STOPPING] = { "service-point-stopping", LATER, STATUS_KEEP,
                                        "the service point was stopped", "nothing; the job is tried again" },
    [REASON_NO_FREE_SLOT] = { "no-free-slot", LATER, STATUS_KEEP, "the service point has no free slot",
                              "nothing; the job is tried again" },
    [REASON_NO_AUTHORITY] = { "no-authority", LATER, STATUS_NOT_PROVISIONED,
                              "no certificate authority is configured", "run 'amtctl ca init'" },
    [REASON_NO_CONSOLE_CERTIFICATE] = { "no-console-certificate", LATER, STATUS_KEEP,
                                        "the service point has no certificate that a computer in mutual TLS "
                                        "would let in",
                                        "run 'amtctl ca init', or with an authority elsewhere set "
                                        "firmware.console_certificate of the service point; jobs "
                                        "resume by themselves" },
    [REASON_ISSUER_REFUSED] = { "issuer-refused", NEVER, STATUS_NOT_PROVISIONED,
                                "the certificate authority refused the request",
                                "see the message; mend the request or the authority" },
    [REASON_ISSUER_UNREACHABLE] = { "issuer-unreachable", LATER, STATUS_KEEP,
                                    "the certificate authority does not answer",
                                    "bring it back, or mend cmp.server; jobs resume by themselves" },
    [REASON_ISSUER_WAITING] = { "issuer-waiting", LATER, STATUS_KEEP,
                                "the certificate authority has not decided yet",
                                "approve the request there; the job goes on by itself" },
    [REASON_ISSUER_DISTRUST] = { "issuer-distrust", LATER, STATUS_KEEP,
                                 "the certificate authority and this site do not trust each other",
                                 "compare the site server's cmp keys with the authority's settings" },
    [REASON_SITE_UNREACHABLE] = { "site-unreachable", LATER, STATUS_KEEP,
                                  "the site server did not answer the service point",
                                  "nothing; the job is tried again" },
    [REASON_DATABASE_UNAVAILABLE] = { "database-unavailable", LATER, STATUS_KEEP,
                                      "the database is not available",
                                      "bring PostgreSQL back; jobs resume by themselves" },
    [REASON_SECRET_KEY_MISSING] = { "secret-key-missing", LATER, STATUS_KEEP,
                                    "the key that a secret is encrypted with is not in the key file",
                                    "put the key back into the key file" },
    [REASON_PROFILE_INVALID] = { "profile-invalid", NEVER, STATUS_NOT_PROVISIONED,
                                 "the computer's profile cannot be applied",
                                 "mend it with 'amtctl profile set'" },
    [REASON_NO_DIRECTORY] = { "no-directory", NEVER, STATUS_KEEP, "no directory configured", "nothing" },
    [REASON_DIRECTORY_UNREACHABLE] = { "directory-unreachable", LATER, STATUS_KEEP,
                                       "no domain controller answers",
                                       "bring one back, or name another in directory.servers; jobs resume by "
                                       "themselves" },
    [REASON_DIRECTORY_LOGIN] = { "directory-login-refused", LATER, STATUS_KEEP,
                                 "the directory refuses the site server's own account",
                                 "mend keytab or password, compare the clocks, then run 'amtctl check'" },
    [REASON_DIRECTORY_NO_CONTAINER] = { "directory-container-missing", LATER, STATUS_KEEP,
                                        "the directory has no such container or group",
                                        "create it, or mend directory.container or directory.group" },
    [REASON_DIRECTORY_NOT_PERMITTED] = { "directory-not-permitted", LATER, STATUS_KEEP,
                                         "the directory does not let the site server's account do this",
                                         "delegate to it: create and delete computers in the container, and "
                                         "full control of them" },
    [REASON_DIRECTORY_REFUSED] = { "directory-refused", LATER, STATUS_KEEP, "the directory refused a request",
                                   "see the message for the directory's own words" },
    [REASON_DIRECTORY_PRINCIPAL_TAKEN] = { "principal-name-taken", NEVER, STATUS_KEEP,
                                           "another object of the directory holds a service principal name "
                                           "of "
                                           "the computer",
                                           "remove the name from the object that is named, then request the "
                                           "job again" },
    [REASON_DIRECTORY_NAME_UNKNOWN] = { "directory-name-unknown", NEVER, STATUS_KEEP,
                                        "the profile names a user or group that the directory does not have",
                                        "mend the profile, or create the user or group" },
    [REASON_DIRECTORY_NAME_PENDING] = { "directory-name-pending", LATER, STATUS_KEEP,
                                        "a user or group of the profile was not looked up yet",
                                        "nothing; the job goes on when the directory has answered" },
    [REASON_CANCELLED] = { "cancelled", NEVER, STATUS_KEEP, "an operator cancelled the job", "nothing" },
    [REASON_MESSAGE_REFUSED] = { "message-refused", NEVER, STATUS_KEEP,
                                 "a message on the queue broke the dialogue's rules",
                                 "check that both programs are of compatible versions" },
    [REASON_NOT_REGISTERED] = { "not-registered", LATER, STATUS_KEEP,
                                "the service point has no session with this site server",
                                "nothing; it registers again by itself" },
    [REASON_INTERNAL] = { "internal", LATER, STATUS_KEEP, "our own surroundings failed",
                          "see the log of the program that is named" },
};

const struct reason *reason_of(enum reason_code code)
{
    if ((unsigned)code >= REASON_COUNT)
        code = REASON_INTERNAL;
    return &reasons[code];
}

bool reason_find(const char *name, enum reason_code *code)
{
    for (unsigned i = 0; i < REASON_COUNT; i++) {
        if (strcmp(reasons[i].name, name) == 0) {
            *code = (enum reason_code)i;
            return true;
        }
    }
    return false;
}
