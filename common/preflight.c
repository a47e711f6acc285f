#include "preflight.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define RSA_BITS_MINIMUM  2048
#define RELEASE_SHA2_ONLY 15 /* desktops; from 16 on all: no SHA-1, no key below 2048 bits */

struct firmware_release firmware_release_parse(const char *version)
{
    struct firmware_release release = { 0, 0 };

    if (!version || sscanf(version, "%3u.%3u", &release.major, &release.minor) != 2)
        return (struct firmware_release){ 0, 0 };
    return release;
}

/* How many labels of the CN count, by top level domain; from the release after 3.0 on. A domain that is in
 * neither list must match whole. */
static const char two_labels[] = " com net org gov edu de ch dk cz cl ua ";
static const char three_labels[] =
    " arpa fr cn nl br mx uk pl tw ca fi be ru se ar es no at in tr ro hu nz pt il gr "
    "co ie za th sg hk lt id hr ee bg ";

static bool listed(const char *list, const char *label)
{
    char word[16];

    if (snprintf(word, sizeof(word), " %s ", label) >= (int)sizeof(word))
        return false;
    return strcasestr(list, word) != NULL;
}

static const char *last_labels(const char *name, unsigned count)
{
    const char *at = name + strlen(name);

    while (at > name) {
        if (at[-1] == '.' && --count == 0)
            return at;
        at--;
    }
    return name;
}

static bool is_release(struct firmware_release release, unsigned major, unsigned minor)
{
    return release.major == major && release.minor == minor;
}

const char *preflight_domain(const char *common_name, struct firmware_release release)
{
    const char *name = strncmp(common_name, "*.", 2) == 0 ? common_name + 2 : common_name;
    const char *top = strrchr(name, '.');

    if (!top)
        return name;
    if (is_release(release, 3, 0) ||
        is_release(release, 2, 2)) /* the CN without its host label, no more and no less */
        return name == common_name ? strchr(name, '.') + 1 : name;
    if (listed(two_labels, top + 1))
        return last_labels(name, 2);
    if (listed(three_labels, top + 1))
        return last_labels(name, 3);
    return name;
}

static bool is_same_or_below(const char *suffix, const char *domain)
{
    size_t suffix_length = strlen(suffix), length = strlen(domain);

    if (suffix_length > 0 && suffix[suffix_length - 1] == '.')
        suffix_length--;
    if (suffix_length < length || strncasecmp(suffix + suffix_length - length, domain, length) != 0)
        return false;
    return suffix_length == length || suffix[suffix_length - length - 1] == '.';
}

static bool is_exactly(const char *suffix, const char *domain)
{
    size_t length = strlen(suffix);

    if (length > 0 && suffix[length - 1] == '.')
        length--;
    return length == strlen(domain) && strncasecmp(suffix, domain, length) == 0;
}

static bool suffix_check(const char *common_name, const char *suffix, struct firmware_release release,
                         struct error *err)
{
    const char *domain = preflight_domain(common_name, release);
    bool exact = is_release(release, 3, 0) || is_release(release, 2, 2);

    if (exact ? is_exactly(suffix, domain) : is_same_or_below(suffix, domain))
        return true;
    return error_because(
        err, REASON_SUFFIX_MISMATCH,
        "the provisioning certificate's name %s stands for the domain %s, the computer's DNS suffix "
        "is %s; use a certificate for that domain, or set the PKI DNS suffix in MEBx",
        common_name, domain, suffix);
}

static bool chain_check(const struct preflight_facts *facts, struct error *err)
{
    if (!facts->ordered || !facts->complete)
        return error_because(
            err, REASON_CERTIFICATE_ORDER,
            "the provisioning certificate's chain %s; put leaf, intermediates and root into the file, "
            "in this order",
            facts->ordered ? "does not end with a self-signed root"
                           : "is not in the order leaf, intermediates, root");
    if (!facts->has_server_purpose)
        return error_because(err, REASON_CERTIFICATE_PURPOSE,
                             "the provisioning certificate %s lacks the purpose serverAuth",
                             facts->common_name);
    if (!facts->has_setup_purpose && !facts->has_setup_unit)
        return error_because(err, REASON_CERTIFICATE_PURPOSE,
                             "the provisioning certificate %s has neither EKU 2.16.840.1.113741.1.2.3 nor OU "
                             "'Intel(R) Client Setup Certificate'",
                             facts->common_name);
    return true;
}

static bool validity_check(const struct preflight_facts *facts, int64_t now_s, struct error *err)
{
    if (now_s < facts->not_before_s)
        return error_because(err, REASON_CERTIFICATE_EXPIRED,
                             "a certificate of the chain of %s is not valid yet; check this computer's clock",
                             facts->common_name);
    if (now_s > facts->not_after_s)
        return error_because(err, REASON_CERTIFICATE_EXPIRED,
                             "a certificate of the chain of %s has expired; renew it", facts->common_name);
    return true;
}

static bool strength_check(const struct preflight_facts *facts, struct firmware_release release,
                           struct error *err)
{
    if (facts->rsa_bits_smallest == 0)
        return error_because(err, REASON_CERTIFICATE_KEY_SIZE,
                             "the chain of %s has a key that is not RSA; AMT takes RSA only",
                             facts->common_name);
    if (release.major >= RELEASE_SHA2_ONLY && facts->rsa_bits_smallest < RSA_BITS_MINIMUM)
        return error_because(err, REASON_CERTIFICATE_KEY_SIZE,
                             "the chain of %s has an RSA key of %u bits; firmware %u takes %u and more",
                             facts->common_name, facts->rsa_bits_smallest, release.major, RSA_BITS_MINIMUM);
    if (release.major >= RELEASE_SHA2_ONLY && facts->sha1_signature)
        return error_because(err, REASON_CERTIFICATE_HASH,
                             "the chain of %s has a SHA-1 signature; firmware %u takes SHA-256 and SHA-384",
                             facts->common_name, release.major);
    return true;
}

bool preflight_check(const struct preflight_facts *facts, const char *suffix, struct firmware_release release,
                     int64_t now_s, struct error *err)
{
    return chain_check(facts, err) && validity_check(facts, now_s, err) &&
           strength_check(facts, release, err) &&
           (!suffix || !*suffix || suffix_check(facts->common_name, suffix, release, err));
}
