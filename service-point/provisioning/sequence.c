#include "provisioning/sequence.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "provisioning/first_stage.h"
#include "provisioning/secrecy.h"
#include "provisioning/steps.h"

#define BUSY_PAUSE_MS 3000

/* Numbers are those of the specification. */
struct step {
    const char *number, *name;
    step_function *run;
};

static const struct step provision_steps[] = {
    { "O2", "former address", look_at_former_address },
    { "O3", "match root", match_root },
    { "O3", "connect", connect_to_firmware },
    { "O5", "authenticate", authenticate },
    { "O5", "check identity", check_identity },
    { "O5", "read state", read_state },
    { "I4", "compare one-time password", compare_one_time_password },
    { "O6", "directory account", join_directory },
    { "O7.1", "clock", set_clock },
    { "O7.2", "names", set_names },
    { "O7.3", "random seed", seed_random },
    { "O7.3", "key pair", prepare_key_pair },
    { "O7.3", "certificate", install_certificate },
    { "O7.3", "TLS", switch_tls_on },
    { "O7.4", "admin password", set_admin_password },
    { "O7.5", "MEBx password", set_mebx_password },
    { "O7.6", "commit", commit },
    { "O8.3", "Kerberos", enable_kerberos }, /* first: directory users are refused without it */
    { "O8.1", "access control list", write_access_control_list },
    { "O8.2", "ping response", set_ping_response },
    { "O8.2", "web interface", set_web_interface },
    { "O8.2", "redirection", set_redirection },
    { "O8.2", "KVM", set_kvm },
    { "O8.2", "user consent", set_user_consent },
    { "O8.2", "KVM settings", set_kvm_settings },
    { "O8.3", "power package", select_power_package },
    { "O8.4", "stored certificates", list_stored_again },
    { "O8.4", "former network settings", remove_former_network },
    { "O8.4", "802.1X credentials", prepare_network_credentials },
    { "O8.4", "wired 802.1X", set_wired_8021x },
    { "O8.4", "wireless", set_wireless },
    { "O8.5", "mutual TLS", set_mutual_tls },
    { "O9", "clean up", clean_up },
    { "O9", "read back", read_back },
};

/* The same of all that import and profile say; clock and certificate have jobs of their own. */
static const struct step update_steps[] = {
    { "O3", "connect", connect_operational },
    { "O5", "authenticate", authenticate },
    { "O5", "check identity", check_identity },
    { "O5", "read state", read_state },
    { "O6", "directory account", join_directory },
    { "O7.2", "names", set_names },
    { "O7.3", "key pair", prepare_key_pair },
    { "O7.3", "certificate", install_certificate },
    { "O7.3", "TLS", switch_tls_on },
    { "O7.5", "MEBx password", set_mebx_password },
    { "O7.6", "commit", commit },
    { "O8.3", "Kerberos", enable_kerberos },
    { "O8.1", "access control list", write_access_control_list },
    { "O8.2", "ping response", set_ping_response },
    { "O8.2", "web interface", set_web_interface },
    { "O8.2", "redirection", set_redirection },
    { "O8.2", "KVM", set_kvm },
    { "O8.2", "user consent", set_user_consent },
    { "O8.2", "KVM settings", set_kvm_settings },
    { "O8.3", "power package", select_power_package },
    { "O8.4", "stored certificates", list_stored_again },
    { "O8.4", "former network settings", remove_former_network },
    { "O8.4", "802.1X credentials", prepare_network_credentials },
    { "O8.4", "wired 802.1X", set_wired_8021x },
    { "O8.4", "wireless", set_wireless },
    { "O8.5", "mutual TLS", set_mutual_tls },
    { "O9", "clean up", clean_up },
    { "O9", "read back", read_back },
};

static const struct step discover_steps[] = {
    { "O3", "choose certificate", choose_own_certificate },
    { "O3", "connect", connect_to_firmware },
    { "O5", "authenticate", authenticate },
    { "O5", "check identity", check_identity },
    { "O9", "look", look_at_state },
};

static const struct step rotate_steps[] = {
    { "O3", "connect", connect_operational },         { "O5", "authenticate", authenticate },
    { "O5", "check identity", check_identity },       { "O5", "read state", read_state },
    { "O7.4", "admin password", set_admin_password }, { "O7.5", "MEBx password", set_mebx_password },
    { "O6", "directory account", join_directory },    { "O8.3", "Kerberos", enable_kerberos },
};

static const struct step renew_steps[] = {
    { "O3", "connect", connect_operational },
    { "O5", "authenticate", authenticate },
    { "O5", "check identity", check_identity },
    { "O5", "read state", read_state },
    { "O7.3", "key pair", prepare_key_pair },
    { "O7.3", "certificate", install_certificate },
    { "O7.3", "TLS", switch_tls_on },
    { "O7.6", "commit", commit },
    { "O9", "stored certificates", list_stored_again },
    { "O9", "clean up", clean_up },
};

static const struct step clock_steps[] = {
    { "O3", "connect", connect_operational },
    { "O5", "authenticate", authenticate },
    { "O5", "check identity", check_identity },
    { "O5", "read state", read_state },
    { "O7.1", "clock", set_clock },
};

static const struct step unprovision_steps[] = {
    { "O3", "connect", connect_to_unprovision }, { "O5", "authenticate", authenticate },
    { "O5", "check identity", check_identity },  { "O5", "read state", read_state },
    { "O9", "begin", begin_unprovisioning },     { "O9", "unprovision", unprovision },
};

static const struct step unprovision_partially_steps[] = {
    { "O3", "connect", connect_to_unprovision }, { "O5", "authenticate", authenticate },
    { "O5", "check identity", check_identity },  { "O5", "read state", read_state },
    { "O9", "begin", begin_unprovisioning },     { "O9", "unprovision partially", unprovision_partially },
};

#define STEPS(table) table, COUNT_OF(table)

static const struct sequence {
    const char *kind;
    const struct step *steps;
    size_t step_count;
    bool wants_provisioned, applies_profile;
    enum credential_rule credential_rule;
} sequences[] = {
    { "provision", STEPS(provision_steps), false, true, CREDENTIAL_FRESH },
    { "update", STEPS(update_steps), true, true, CREDENTIAL_IN_USE },
    { "discover", STEPS(discover_steps), false, false, CREDENTIAL_FRESH },
    { "rotate-passwords", STEPS(rotate_steps), true, false, CREDENTIAL_FRESH },
    { "renew-certificate", STEPS(renew_steps), true, false, CREDENTIAL_OTHER },
    { "sync-clock", STEPS(clock_steps), true, false, CREDENTIAL_FRESH },
    { "unprovision", STEPS(unprovision_steps), true, false, CREDENTIAL_FRESH },
    { "unprovision-partially", STEPS(unprovision_partially_steps), true, false, CREDENTIAL_FRESH },
};

/* A password that opened the firmware moments ago does not become wrong: the firmware forgot the login, or is
 * locked after somebody's failures. Other than the end of the retry list, that is worth another attempt. */
static void judge_late_refusal(const struct step *step, struct error *err)
{
    if (step->run != authenticate && err->reason == REASON_NO_ACCOUNT_ACCEPTED) {
        err->code = ERROR_UNREACHABLE;
        err->reason = REASON_HTTP_ERROR;
    }
}

static bool run_step(struct session *session, const struct step *step, struct error *err)
{
    struct step_report report = { .number = text_copy(step->number),
                                  .name = text_copy(step->name),
                                  .started_ms = clock_wall_ms(),
                                  .outcome = STEP_DONE };
    bool passed = session_may_go_on(session, err) && step->run(session, &report, err);

    if (!passed) {
        AUTO(text_free) char *context = TAKE(report.detail);

        judge_late_refusal(step, err);
        secrecy_keep(&session->offer, err->message);
        report.outcome = STEP_FAILED;
        report.reason = err->reason;
        report.detail = context ? text_format("%s; %s", err->message, context) : text_copy(err->message);
        error_during(err, "%s, %s", step->number, step->name);
    }
    report.finished_ms = clock_wall_ms();
    session_report(session, &report);
    return passed;
}

/* A former address is named where a Hello came from another one than expected. Firmware that takes the first
 * stage over WS-Management seeds its random generator itself, and names what it stores as the second stage
 * does. */
static bool step_applies(const struct session *session, const struct step *step)
{
    bool of_eoi = step->run == seed_random || step->run == list_stored_again;
    bool of_moved = step->run == look_at_former_address;

    return (!of_eoi || session->stage == &first_stage_eoi) && (!of_moved || session->offer.former_address);
}

static const struct sequence *sequence_of(const char *kind)
{
    for (size_t i = 0; i < COUNT_OF(sequences); i++) {
        if (strcmp(sequences[i].kind, kind) == 0)
            return &sequences[i];
    }
    return NULL;
}

bool sequence_applies_profile(const char *kind)
{
    const struct sequence *sequence = sequence_of(kind);

    return sequence && sequence->applies_profile;
}

bool sequence_run(struct session *session, struct error *err)
{
    const struct sequence *sequence = sequence_of(session->offer.kind);

    if (!sequence)
        return error_because(err, REASON_MESSAGE_REFUSED,
                             "this service point knows no jobs of kind %s; it is older than the site server",
                             session->offer.kind);
    session->wants_provisioned = sequence->wants_provisioned;
    session->applies_profile = sequence->applies_profile;
    session->credential_rule = sequence->credential_rule;
    for (size_t i = 0; i < sequence->step_count; i++) {
        const struct step *step = &sequence->steps[i];

        if (step_applies(session, step) && !run_step(session, step, err))
            return false;
    }
    return true;
}

static void set_detail(struct step_report *report, const char *format, va_list arguments)
{
    char *detail;

    if (vasprintf(&detail, format, arguments) < 0)
        abort();
    text_free(&report->detail);
    report->detail = detail;
}

bool step_done(struct step_report *report, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set_detail(report, format, arguments);
    va_end(arguments);
    return true;
}

bool step_unchanged(struct step_report *report, const char *format, ...)
{
    va_list arguments;

    report->outcome = STEP_UNCHANGED;
    va_start(arguments, format);
    set_detail(report, format, arguments);
    va_end(arguments);
    return true;
}

bool step_skipped(struct step_report *report, enum reason_code reason, const char *format, ...)
{
    va_list arguments;

    report->outcome = STEP_SKIPPED;
    report->reason = reason;
    va_start(arguments, format);
    set_detail(report, format, arguments);
    va_end(arguments);
    return true;
}

bool busy_wait(struct session *session, struct error *err)
{
    struct error ending = { 0 };

    if (err->reason != REASON_FIRMWARE_BUSY)
        return false;
    if (session_wait(session, BUSY_PAUSE_MS, &ending))
        return true;
    error_during(&ending, "%s", err->message);
    *err = ending;
    return false;
}
