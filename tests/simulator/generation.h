/*
 * generation.h - what distinguishes the firmware generations. A new one is one more row in generation.c.
 */
#ifndef SIMULATOR_GENERATION_H
#define SIMULATOR_GENERATION_H

#include "suffix.h"

#include <stdint.h>

enum identity_kind {
    IDENTITY_RSA1024_SHA1,   /* self-signed */
    IDENTITY_RSA2048_SHA256, /* self-signed */
    IDENTITY_ON_DIE,         /* EC P-384 leaf under a chain like that of the on-die authority */
};

struct generation {
    const char *name; /* as the fleet file gives it: "11.8" */
    unsigned major, minor;
    const char *firmware;         /* major.minor.hotfix[.build], as the Server header tells it */
    const char *build;            /* where the version does not end with it */
    int tls_minimum, tls_maximum; /* OpenSSL's TLS1_VERSION ... */
    const char *suites;           /* OpenSSL's names */
    enum identity_kind identity;
    enum suffix_rule suffix_rule;
    unsigned hash_algorithms;        /* bit n: enum hash_algorithm n may be in the root list */
    bool modern_chain_only;          /* setup chain: SHA-2 and RSA of 2048 bits or more throughout */
    bool challenges_in_setup;        /* asks for Digest although the setup certificate was accepted */
    bool offers_auth_int;            /* Digest qop */
    bool session_cached;             /* a TLS connection that has passed Digest stays authenticated */
    bool plain_port;                 /* has 16992 where TLS is off or not exclusive */
    bool keeps_identity_certificate; /* the setup certificate serves on after setup and is in the store */
    bool tls_always;                 /* TLS cannot be switched off */
    bool commit_wants_mebx;          /* CommitChanges: 2057 without a MEBx password */
    bool unprovision_blocked_by_auditor, unprovision_keeps_suffix;
    bool host_based_setup;
    bool intermediate_roots; /* an intermediate CA may be stored as trusted root */
    bool kvm, web_ui, rmcp_ping, kerberos_aes, sha1_requests, sha384_requests;
    bool eoi;                    /* answers the old SOAP interface too */
    bool wireless;               /* has the WiFi classes where there is a radio */
    bool dynamic_dns;            /* general settings of 6.0: DDNS, shared FQDN, IPv6 */
    bool key_generation;         /* GenerateKeyPair, GeneratePKCS10RequestEx */
    bool unknown_path_missing;   /* 404 for a path it does not know, not 400 */
    bool realm_names_uuid;       /* Digest realm "Intel(R) AMT (ID:...)", not random */
    bool admin_as_mebx;          /* in setup admin has the MEBx password, not the empty one */
    bool commit_wants_seed;      /* CommitChanges: 2057 without SetRngKey */
    bool invalid_identity_dates; /* of the self-signed certificate */
    bool no_renegotiation_info;  /* made before RFC 5746 */
    unsigned ticket_longest;     /* Authorization: Negotiate, characters of base64; 0: no limit published */
    bool resumes_sessions;       /* keeps TLS sessions (RFC 5246 7.3); not published [inferred] */
    unsigned setup_chain_bytes;  /* longest setup chain; 0: no limit but the number of certificates */
    unsigned highest_realm;
    bool pads_otp;           /* ProvisioningServerOTP is read filled with zeros to 32 bytes */
    bool recent_properties;  /* properties that only newer firmware shows */
    unsigned key_lengths[4]; /* RSA bits GenerateKeyPair knows; ends with 0 */
};

enum { VERSION_ROOM = 32 };

/* major.minor.hotfix; returns the build number. */
const char *generation_version(const struct generation *generation, char version[VERSION_ROOM]);
const struct generation *generation_find(const char *name); /* NULL: unknown */
const char *generation_names(void);                         /* for messages */

#endif
