#include "generation.h"

#include "hello.h"
#include "ownership.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#define BIT(n) (1u << (n))

/* All suites need OpenSSL's security level 0. Sources for the suites: published scans of AMT 11 and reports
 * of what newer releases accept; those of 3 to 9 and of 19 are inferred. */
#define SUITES_FIRST  "AES128-SHA"
#define SUITES_OLD    "AES128-SHA:AES256-SHA"
#define SUITES_MIDDLE SUITES_OLD ":ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA"
#define SUITES_GCM    "AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES256-GCM-SHA384:" SUITES_MIDDLE
#define SUITES_ON_DIE "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"

#define HASHES_ALL  (BIT(HASH_SHA1) | BIT(HASH_SHA256) | BIT(HASH_SHA384))
#define HASHES_SHA2 (BIT(HASH_SHA256) | BIT(HASH_SHA384))

/* The first generations with WS-Management, which the old SOAP interface still sets up. */
#define UNTIL_5                                                                                              \
    .tls_minimum = TLS1_VERSION, .tls_maximum = TLS1_VERSION, .suites = SUITES_FIRST,                        \
    .identity = IDENTITY_RSA1024_SHA1, .hash_algorithms = BIT(HASH_SHA1), .challenges_in_setup = true,       \
    .plain_port = true, .web_ui = true, .sha1_requests = true, .unprovision_blocked_by_auditor = true,       \
    .eoi = true, .unknown_path_missing = true, .realm_names_uuid = true, .admin_as_mebx = true,              \
    .commit_wants_seed = true, .no_renegotiation_info = true, .setup_chain_bytes = 4100,                     \
    .ticket_longest = 4096, .key_lengths = { 1024, 1536, 2048 }
#define SINCE_6_2                                                                                            \
    .suffix_rule = SUFFIX_LABELS, .session_cached = true, .host_based_setup = true, .kvm = true,             \
    .rmcp_ping = true, .wireless = true, .dynamic_dns = true, .key_generation = true, .highest_realm = 24
#define UNTIL_11                                                                                             \
    SINCE_6_2, .hash_algorithms = HASHES_ALL, .plain_port = true, .web_ui = true, .sha1_requests = true,     \
               .unprovision_blocked_by_auditor = true, .key_lengths = { 1024, 1536, 2048 }
#define SINCE_12                                                                                             \
    SINCE_6_2, .kerberos_aes = true, .unprovision_keeps_suffix = true, .intermediate_roots = true,           \
               .pads_otp = true, .recent_properties = true, .resumes_sessions = true
#define SINCE_15                                                                                             \
    SINCE_12, .tls_minimum = TLS1_2_VERSION, .tls_maximum = TLS1_2_VERSION, .hash_algorithms = HASHES_SHA2,  \
              .modern_chain_only = true, .offers_auth_int = true, .sha384_requests = true,                   \
              .key_lengths = { 2048, 3072 }
#define SINCE_16_1 SINCE_15, .keeps_identity_certificate = true, .tls_always = true

static const struct generation generations[] = {
    { .name = "3.2.1",
      .major = 3,
      .minor = 2,
      .firmware = "3.2.1",
      .build = "1022", /* made up, as is that of 5.2 */
      .suffix_rule = SUFFIX_EXACT,
      .invalid_identity_dates = true, /* corrected in 3.2.2 */
      .highest_realm = 19,
      UNTIL_5 },
    { .name = "5.2",
      .major = 5,
      .minor = 2,
      .firmware = "5.2.40",
      .build = "1037",
      .suffix_rule = SUFFIX_LABELS,
      .rmcp_ping = true,
      .highest_realm = 21,
      UNTIL_5 },
    { .name = "6.2",
      .eoi = true,
      .unknown_path_missing = true,
      .major = 6,
      .minor = 2,
      .firmware = "6.2.61.3535",
      .identity = IDENTITY_RSA1024_SHA1,
      .tls_minimum = TLS1_VERSION,
      .tls_maximum = TLS1_VERSION,
      .suites = SUITES_OLD,
      .challenges_in_setup = true,
      UNTIL_11 },
    { .name = "7.1",
      .eoi = true,
      .unknown_path_missing = true,
      .major = 7,
      .minor = 1,
      .firmware = "7.1.91.3272",
      .identity = IDENTITY_RSA1024_SHA1,
      .tls_minimum = TLS1_VERSION,
      .tls_maximum = TLS1_VERSION,
      .suites = SUITES_OLD,
      .challenges_in_setup = true,
      UNTIL_11 },
    { .name = "9.0",
      .major = 9,
      .minor = 0,
      .firmware = "9.0.31.1487",
      .identity = IDENTITY_RSA2048_SHA256,
      .tls_minimum = TLS1_VERSION,
      .tls_maximum = TLS1_1_VERSION,
      .suites = SUITES_MIDDLE,
      .challenges_in_setup = true,
      .kerberos_aes = true,
      UNTIL_11 },
    { .name = "11.8",
      .major = 11,
      .minor = 8,
      .firmware = "11.8.50.3425",
      .identity = IDENTITY_RSA2048_SHA256,
      .tls_minimum = TLS1_VERSION,
      .tls_maximum = TLS1_1_VERSION,
      .suites = SUITES_MIDDLE,
      .kerberos_aes = true,
      .intermediate_roots = true,
      .pads_otp = true,
      UNTIL_11 },
    { .name = "12.0",
      .major = 12,
      .minor = 0,
      .firmware = "12.0.67.1579",
      .identity = IDENTITY_RSA2048_SHA256,
      .tls_minimum = TLS1_1_VERSION,
      .tls_maximum = TLS1_2_VERSION,
      .suites = SUITES_GCM,
      .hash_algorithms = HASHES_ALL,
      .plain_port = true,
      .web_ui = true,
      .sha1_requests = true,
      .key_lengths = { 1024, 1536, 2048 },
      SINCE_12 },
    { .name = "14.0",
      .major = 14,
      .minor = 0,
      .firmware = "14.0.36.1195",
      .identity = IDENTITY_RSA2048_SHA256,
      .tls_minimum = TLS1_1_VERSION,
      .tls_maximum = TLS1_2_VERSION,
      .suites = SUITES_GCM,
      .hash_algorithms = HASHES_ALL,
      .plain_port = true,
      .web_ui = true,
      .sha1_requests = true,
      .offers_auth_int = true,
      .key_lengths = { 1024, 1536, 2048 },
      SINCE_12 },
    { .name = "15.0",
      .major = 15,
      .minor = 0,
      .firmware = "15.0.23.1706",
      .identity = IDENTITY_RSA2048_SHA256,
      .suites = SUITES_GCM,
      .plain_port = true,
      .web_ui = true,
      .sha1_requests = true,
      SINCE_15 },
    { .name = "16.1",
      .major = 16,
      .minor = 1,
      .firmware = "16.1.25.2124",
      .identity = IDENTITY_RSA2048_SHA256,
      .suites = SUITES_GCM,
      .sha1_requests = true,
      SINCE_16_1 },
    { .name = "18.0",
      .major = 18,
      .minor = 0,
      .firmware = "18.0.5.2098",
      .identity = IDENTITY_RSA2048_SHA256,
      .suites = SUITES_GCM,
      SINCE_16_1 },
    { .name = "19.0",
      .major = 19,
      .minor = 0,
      .firmware = "19.0.0.1753",
      .identity = IDENTITY_ON_DIE,
      .suites = SUITES_ON_DIE,
      .commit_wants_mebx = true,
      SINCE_16_1 },
};

const struct generation *generation_find(const char *name)
{
    for (size_t i = 0; i < LENGTH(generations); i++)
        if (!strcmp(generations[i].name, name))
            return &generations[i];
    return NULL;
}

const char *generation_version(const struct generation *generation, char version[VERSION_ROOM])
{
    const char *last = strrchr(generation->firmware, '.');
    int length =
        (int)(generation->build ? strlen(generation->firmware) : (size_t)(last - generation->firmware));

    snprintf(version, VERSION_ROOM, "%.*s", length, generation->firmware);
    return generation->build ? generation->build : last + 1;
}

const char *generation_names(void)
{
    static char names[160];

    if (!*names)
        for (size_t i = 0; i < LENGTH(generations); i++) {
            strcat(names, i ? ", " : "");
            strcat(names, generations[i].name);
        }
    return names;
}
