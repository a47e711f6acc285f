/*
 * verbs.h - the function behind each command, in the file of its noun.
 */
#ifndef CONTROL_VERBS_H
#define CONTROL_VERBS_H

#include "command.h"

command_function import_file;
command_function computer_list, computer_show, computer_block, computer_unblock, computer_profile;
command_function computer_reprovision, computer_remove, computer_unknown;
command_function job_request, job_list, job_show, job_cancel, job_watch;
command_function profile_set, profile_show, profile_list, profile_remove, profile_password;
command_function rollout_list, rollout_set, rollout_halt, rollout_resume;
command_function account_add, account_list, account_remove;
command_function service_point_list, service_point_approve, service_point_remove;
command_function secret_show, secret_init, secret_rotate_key, secret_recover;
command_function ca_init, ca_show, ca_crl, ca_expiry;
command_function ca_issue_console, ca_consoles, ca_revoke_console;
command_function root_coverage;
command_function computer_in_band, computer_out_of_band, computer_policy, computer_unbind, profile_in_band;
command_function token_create, token_list, token_revoke;
command_function agent_list, alarm_list, alarm_acknowledge;
command_function check_run, summary_run, health_run;

/* --provision and --enable-amt: "on", "off", or NULL for what the profile says. */
bool in_band_switches(const struct invocation *invocation, const char **provision, const char **enable_amt,
                      struct error *err) MUST_CHECK;

#endif
