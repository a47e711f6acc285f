/*
 * steps.h - the steps of all kinds of jobs, by stage. Their order is that of the tables in sequence.c.
 *
 * A step begins by reading the firmware's state and writes only what differs. It neither logs nor retries nor
 * knows other steps. report->outcome is STEP_DONE unless the step says otherwise.
 */
#ifndef PROVISIONING_STEPS_H
#define PROVISIONING_STEPS_H

#include "provisioning/session.h"

#define ADMIN_USER "admin" /* the one Digest account that AMT always has */

typedef bool step_function(struct session *session, struct step_report *report, struct error *err);

/* contact.c: spec O3 to O6, I4 */
step_function look_at_former_address, match_root, connect_to_firmware, authenticate, check_identity,
    read_state, compare_one_time_password, join_directory;
/* contact.c, for computers that are provisioned already or may be */
step_function choose_own_certificate, connect_operational, connect_to_unprovision, look_at_state;
/* first_stage.c: spec O7 */
step_function set_clock, set_names, seed_random, prepare_key_pair, install_certificate, switch_tls_on,
    set_admin_password, set_mebx_password, commit;
/* second_stage.c: spec O8, O9 */
step_function write_access_control_list, set_ping_response, set_web_interface, set_redirection, set_kvm,
    set_user_consent, select_power_package, list_stored_again, clean_up, read_back;
/* kerberos.c, kvm_settings.c, network.c, wired_8021x.c, wireless.c: spec O8.2 to O8.4 */
step_function enable_kerberos, set_kvm_settings, remove_former_network, prepare_network_credentials,
    set_wired_8021x, set_wireless;
/* mutual.c */
step_function set_mutual_tls;
/* unprovisioning.c */
step_function begin_unprovisioning, unprovision, unprovision_partially;
/* Why a computer that is to be unprovisioned is not reached: *err becomes REASON_PORT_CLOSED where that is
 * it. False, always. */
bool unprovision_found_closed(struct session *session, struct error *err);

/* All return true, so that a step can end with them. The text, formatted, becomes the report's detail. */
bool step_done(struct step_report *report, const char *format, ...) PRINTF_LIKE(2, 3);
bool step_unchanged(struct step_report *report, const char *format, ...) PRINTF_LIKE(2, 3);
bool step_skipped(struct step_report *report, enum reason_code reason, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* How to reach the computer; it borrows from the session. */
struct connection_target target_of(const struct session *session,
                                   const struct provisioning_certificate *certificate,
                                   enum device_identity identity);
/* One that the computer is known to trust; of an unknown computer the first one; NULL: none. */
const struct provisioning_certificate *certificate_for(const struct session *session);
/* The failure is about the certificate that we presented. */
bool certificate_refused(const struct error *err);

/* For a call that failed: no verdict on it came back, it may have been carried out. */
bool answer_lost(const struct error *err);
/* The firmware itself said no: it was reached, and asking again changes nothing. */
bool firmware_refused(const struct error *err);

/* For a call that failed: true when the firmware was busy and the pause is over, so that the call may be made
 * again; otherwise *err stays the failure, or becomes that of the session. */
bool busy_wait(struct session *session, struct error *err) MUST_CHECK;

#endif
