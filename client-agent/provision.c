#include "provision.h"

#include <string.h>

#include "check.h"
#include "common/log.h"
#include "schedule.h"

/* ---- meeting the site ---- */

static bool ask_policy(struct meeting *meeting, const struct config *config, struct error *err)
{
    return dialogue_enrol(meeting->site, &meeting->computer, config->token_file, err) &&
           dialogue_policy(meeting->site, &meeting->policy, err);
}

static bool has_name(const struct computer *computer, const struct config *config, struct error *err)
{
    return computer->has_uuid ||
           error_set(err, ERROR_INTERNAL,
                     "no UUID to tell the site: firmware does not answer (%s), and %s cannot be read",
                     computer->why_not.message, config->host_uuid_file);
}

bool meeting_begin(struct meeting *meeting, const struct config *config, struct error *err)
{
    struct meeting begun = { 0 };
    const struct site_settings settings = { .endpoint = config->site_endpoint,
                                            .public_key = config->site_public_key,
                                            .key_file = config->queue_key_file,
                                            .timeout_ms = (unsigned)config->site_timeout_s * 1000 };

    computer_examine(&begun.computer, config, &begun.firmware);
    if (!has_name(&begun.computer, config, err) || !site_open(&begun.site, &settings, err) ||
        !ask_policy(&begun, config, err)) {
        meeting_end(&begun);
        return false;
    }
    *meeting = begun;
    return true;
}

void meeting_end(struct meeting *meeting)
{
    site_close(&meeting->site);
    firmware_close(&meeting->firmware);
    computer_clear(&meeting->computer);
    message_free(&meeting->policy);
}

/* ---- before setup ---- */

/* Spec I1: only where the policy says so. */
static bool switch_amt_on(struct meeting *meeting, const struct config *config, struct error *err)
{
    const struct firmware_settings settings = computer_firmware_settings(config, meeting->computer.device);

    if (!firmware_switch_on(&settings, err))
        return false;
    log_info("AMT switched on");
    firmware_close(&meeting->firmware);
    computer_clear(&meeting->computer);
    computer_examine(&meeting->computer, config, &meeting->firmware);
    return true;
}

/* What an operator wants to keep from before setup; both are left alone unless configured. */
static bool write_names(struct meeting *meeting, const struct config *config, struct error *err)
{
    if (*config->firmware_dns_suffix &&
        !firmware_set_dns_suffix(meeting->firmware, config->firmware_dns_suffix, err))
        return false;
    return !config->firmware_host_name || !meeting->computer.fqdn ||
           firmware_set_host_fqdn(meeting->firmware, meeting->computer.fqdn, err);
}

/* ---- setup ---- */

/* Spec I2: the site has the hash before firmware has the password. The clear one is gone when this returns.
 */
static bool register_and_activate(struct meeting *meeting, const struct config *config, bool *registered,
                                  struct error *err)
{
    AUTO(otp_clear) struct otp otp = { 0 };
    uint32_t expires_s;

    if (!otp_make(&otp, err) ||
        !dialogue_register_otp(meeting->site, &meeting->computer, &otp, &expires_s, err))
        return false;
    *registered = true;
    return write_names(meeting, config, err) && firmware_set_otp(meeting->firmware, otp.text, err) &&
           firmware_start_configuration(meeting->firmware, &meeting->computer.facts, err);
}

static bool activate(struct meeting *meeting, const struct config *config, struct error *err)
{
    struct error unsaid = { 0 };
    bool registered = false;

    if (register_and_activate(meeting, config, &registered, err))
        return true;
    if (!registered)
        return false;
    err->reason = REASON_ACTIVATION_FAILED;
    if (!dialogue_check_failed(meeting->site, err, firmware_last_status(meeting->firmware), &unsaid))
        log_warning("the site could not be told", log_text("why", unsaid.message));
    return false;
}

/* In setup already: an earlier run got that far and was stopped before it could say so. The site knows
 * whether the password in firmware is still good. */
static bool resume(struct meeting *meeting, const struct config *config, struct error *err)
{
    if (dialogue_activated(meeting->site, &meeting->computer, err))
        return true;
    if (err->reason != REASON_OTP_MISSING)
        return false;
    log_info("the setup under way has no valid one-time password; beginning again");
    return firmware_stop_configuration(meeting->firmware, err) && activate(meeting, config, err) &&
           dialogue_activated(meeting->site, &meeting->computer, err);
}

static bool set_up(struct meeting *meeting, const struct config *config, struct error *err)
{
    if (meeting->computer.facts.state == HOST_STATE_IN)
        return resume(meeting, config, err);
    return activate(meeting, config, err) && dialogue_activated(meeting->site, &meeting->computer, err);
}

/* ---- the whole ---- */

static enum provision_outcome not_wanted(const struct message_policy *policy)
{
    log_info("not to be provisioned", log_text("reason", reason_of(policy->reason)->name),
             log_text("why", policy->text ? policy->text : ""));
    return PROVISION_NOT_WANTED;
}

static enum provision_outcome check_failed(struct meeting *meeting, bool dry_run, struct error *why,
                                           struct error *err)
{
    if (!dry_run && !dialogue_check_failed(meeting->site, why, 0, err))
        return PROVISION_FAILED;
    *err = *why;
    return PROVISION_CHECK_FAILED;
}

static enum provision_outcome carry_out(struct meeting *meeting, const struct config *config, bool dry_run,
                                        struct error *err)
{
    const struct message_policy *policy = &meeting->policy.policy;
    struct error why = { 0 };

    if (!policy->provision)
        return not_wanted(policy);
    if (meeting->computer.amt_switched_off && policy->enable_amt && !dry_run &&
        !switch_amt_on(meeting, config, &why))
        return check_failed(meeting, dry_run, &why, err);
    if (!check_all(&meeting->computer, policy, &why))
        return check_failed(meeting, dry_run, &why, err);
    if (dry_run) {
        log_info("would begin setup", log_text("state", firmware_state_name(meeting->computer.facts.state)));
        return PROVISION_BEGUN;
    }
    if (!set_up(meeting, config, err))
        return PROVISION_FAILED;
    log_info("setup begun", log_text("address", meeting->computer.wired.address));
    return PROVISION_BEGUN;
}

enum provision_outcome provision(const struct config *config, bool dry_run, struct error *err)
{
    AUTO(meeting_end) struct meeting meeting = { 0 };

    if (!meeting_begin(&meeting, config, err))
        return PROVISION_FAILED;
    if (!dry_run)
        schedule_note(config->schedule_file, meeting.policy.policy.come_back_s);
    return carry_out(&meeting, config, dry_run, err);
}
