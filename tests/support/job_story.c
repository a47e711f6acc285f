#include "support/job_story.h"

#include <string.h>

void profile_write(struct site *site, const char *name, const char *content, const char *passwords)
{
    AUTO(text_free) char *path = site_path(site, name);
    AUTO(text_free) char *password_path = text_format("%s.passwords", path);
    struct error err = { 0 };

    must(file_write(path, content, 0600, &err));
    must(file_write(password_path, passwords ? passwords : "", 0600, &err));
    must(site_amtctl(site, NULL, &err, "profile", "set", name, path, "--password-file", password_path, NULL));
}

void computer_provision(struct site *site, struct computer *computer, unsigned index, const char *generation,
                        const char *words, const char *profile)
{
    struct error err = { 0 };

    scenario_computer(site, computer, index, generation, words);
    if (profile)
        must(site_amtctl(site, NULL, &err, "computer", "profile", profile, computer->uuid, NULL));
    say_hello(site, computer);
    expect_outcome(site, computer, "provisioned", "");
}

void request_job(struct site *site, const struct computer *computer, const char *kind)
{
    struct error err = { 0 };

    must(site_amtctl(site, NULL, &err, "job", "request", kind, computer->uuid, NULL));
}

void run_job_at(const char *file, int line, struct site *site, const struct computer *computer,
                const char *kind, const char *wanted)
{
    request_job(site, computer, kind);
    expect_sql_at(
        file, line, site, wanted,
        "SELECT CASE WHEN state IN ('waiting', 'leased') THEN 'open' ELSE concat_ws(' ', kind, state, "
        "reason_code) END FROM amt.job WHERE id = (SELECT last_job FROM amt.computer WHERE uuid = '%s')",
        computer->uuid);
}

int64_t computer_writes(struct site *site, const struct computer *computer)
{
    return state_number(site, computer, "counters.writes");
}

size_t state_length(struct site *site, const struct computer *computer, const char *list)
{
    AUTO(json_close) json_object *state = NULL;
    struct error err = { 0 };

    must(simulator_state(site->simulator, computer->uuid, &state, &err));
    return json_object_array_length(json_at(state, list));
}

char *computer_inventory(struct site *site, const struct computer *computer)
{
    return text_format("%zu certificates, %zu keys, %zu wireless profiles, %zu users",
                       state_length(site, computer, "certificates"), state_length(site, computer, "keys"),
                       state_length(site, computer, "wifi.profiles"), state_length(site, computer, "acl"));
}

char *computer_digest(struct site *site, const struct computer *computer, const char *user)
{
    AUTO(json_close) json_object *state = NULL;
    struct error err = { 0 };
    json_object *acl;

    must(simulator_state(site->simulator, computer->uuid, &state, &err));
    acl = json_at(state, "acl");
    for (size_t i = 0; i < json_object_array_length(acl); i++) {
        json_object *entry = json_object_array_get_idx(acl, i);

        if (strcmp(json_text_at(entry, "user"), user) == 0)
            return text_copy(json_text_at(entry, "digest_hex"));
    }
    return text_copy("");
}

int job_scenario_begin(void **state)
{
    static const char *const server_settings[] = { "job.retry_delay = 1s", "job.retry_delay_max = 2s",
                                                   "queue.heartbeat = 1s", "job.lease = 15s", NULL };
    static const char *const point_settings[] = { "firmware.restart_wait = 5s", NULL };
    static const char *const simulator_options[] = { "--key-pool", "8", NULL };
    struct site_options options = { .server_settings = server_settings,
                                    .point_settings = point_settings,
                                    .simulator_options = simulator_options };

    return scenario_begin(state, &options);
}
