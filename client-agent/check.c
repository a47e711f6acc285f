#include "check.h"

#include <string.h>

typedef bool check_function(const struct computer *computer, const struct message_policy *policy,
                            struct error *err);

static bool wanted(const struct computer *computer, const struct message_policy *policy, struct error *err)
{
    (void)computer;
    if (!policy || policy->provision)
        return true;
    return error_because(err, policy->reason, "%s",
                         policy->text && *policy->text ? policy->text : reason_of(policy->reason)->meaning);
}

static bool interface_there(const struct computer *computer, const struct message_policy *policy,
                            struct error *err)
{
    (void)policy;
    if (computer->has_amt)
        return true;
    *err = computer->why_not;
    return false;
}

static bool not_provisioned(const struct computer *computer, const struct message_policy *policy,
                            struct error *err)
{
    (void)policy;
    if (computer->facts.state != HOST_STATE_POST)
        return true;
    return error_because(err, REASON_ALREADY_PROVISIONED,
                         "the firmware is provisioned already (control mode: %s), and not by this site",
                         firmware_control_mode_name(computer->facts.control_mode));
}

static bool remote_setup_allowed(const struct computer *computer, const struct message_policy *policy,
                                 struct error *err)
{
    (void)policy;
    if (!computer->facts.has_zero_touch || computer->facts.zero_touch)
        return true;
    return error_because(err, REASON_ZERO_TOUCH_OFF,
                         "remote configuration (zero touch) is off in the firmware; switch it on in its menu "
                         "(MEBx)");
}

static bool trusts(const struct firmware_facts *facts, const struct root_hash *root)
{
    for (size_t i = 0; i < facts->hash_count; i++) {
        const struct host_hash *hash = &facts->hashes[i];

        if (hash->active && hash->algorithm == root->algorithm && hash->length == root->length &&
            memcmp(hash->digest, root->hash, root->length) == 0)
            return true;
    }
    return false;
}

static size_t active_roots(const struct firmware_facts *facts)
{
    size_t active = 0;

    for (size_t i = 0; i < facts->hash_count; i++)
        active += facts->hashes[i].active;
    return active;
}

static bool root_in_common(const struct computer *computer, const struct message_policy *policy,
                           struct error *err)
{
    size_t active = active_roots(&computer->facts);

    if (!policy && active > 0)
        return true;
    for (size_t i = 0; policy && i < policy->root_hash_count; i++) {
        if (trusts(&computer->facts, &policy->root_hashes[i]))
            return true;
    }
    return error_because(err, REASON_NO_COMMON_ROOT,
                         "the firmware trusts %zu roots, and none of the %zu of the site's provisioning "
                         "certificates is among them",
                         active, policy ? policy->root_hash_count : 0);
}

static bool wired_network_there(const struct computer *computer, const struct message_policy *policy,
                                struct error *err)
{
    (void)policy;
    if (computer->wired.address)
        return true;
    return error_because(err, REASON_NO_WIRED_NETWORK, "the firmware's wired interface has no %s",
                         computer->facts.has_wired && computer->facts.wired.link_up ? "address" : "link");
}

static const struct {
    check_function *run;
    const char *meaning;
} checks[CHECK_COUNT] = {
    [CHECK_POLICY] = { wanted, "the site wants it provisioned" },
    [CHECK_INTERFACE] = { interface_there, "AMT answers its host" },
    [CHECK_STATE] = { not_provisioned, "the firmware is not provisioned" },
    [CHECK_ZERO_TOUCH] = { remote_setup_allowed, "remote configuration is allowed" },
    [CHECK_ROOTS] = { root_in_common, "the trusted roots allow it" },
    [CHECK_NETWORK] = { wired_network_there, "the wired network is there" },
};

const char *check_meaning(enum check check)
{
    return checks[check].meaning;
}

bool check_run(enum check check, const struct computer *computer, const struct message_policy *policy,
               struct error *err)
{
    return checks[check].run(computer, policy, err);
}

bool check_all(const struct computer *computer, const struct message_policy *policy, struct error *err)
{
    for (enum check check = 0; check < CHECK_COUNT; check++) {
        if (!check_run(check, computer, policy, err))
            return false;
    }
    return true;
}
