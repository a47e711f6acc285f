#include "metrics/counters.h"

#include <inttypes.h>

#include "common/metrics/prometheus.h"
#include "common/version.h"

static const char *const refusal_names[] = {
    [REFUSAL_SIZE] = "size",
    [REFUSAL_ENVELOPE] = "envelope",
    [REFUSAL_NOT_APPROVED] = "not-approved",
    [REFUSAL_NOT_ALLOWED] = "not-allowed",
    [REFUSAL_NOT_REGISTERED] = "not-registered",
    [REFUSAL_BODY] = "body",
    [REFUSAL_FAILED] = "failed",
    [REFUSAL_TOO_OFTEN] = "too-often",
};

const char *refusal_name(enum refusal refusal)
{
    return refusal_names[refusal];
}

/* Reasons that never occurred are left out: the list is long, and a series may begin late. */
static void by_reason(FILE *out, const char *name, const char *help, const uint64_t *values,
                      const char *none_name)
{
    metric_head(out, name, "counter", help);
    metric_labelled(out, name, "reason", none_name, (int64_t)values[REASON_NONE]);
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        if (values[i])
            metric_labelled(out, name, "reason", reason_of((enum reason_code)i)->name, (int64_t)values[i]);
    }
}

static void write_messages(FILE *out, const struct counters *counters)
{
    metric_head(out, "amt_messages_total", "counter", "Messages carried out, by kind.");
    for (int kind = MESSAGE_REGISTER; kind <= MESSAGE_KIND_LAST; kind++) {
        if (counters->messages[kind])
            metric_labelled(out, "amt_messages_total", "kind", message_kind_name((enum message_kind)kind),
                            counters->messages[kind]);
    }
    metric_head(out, "amt_messages_refused_total", "counter", "Messages refused, by reason.");
    for (int i = 0; i < REFUSAL_COUNT; i++)
        metric_labelled(out, "amt_messages_refused_total", "reason", refusal_names[i], counters->refused[i]);
}

static void write_gauges(FILE *out, const struct gauges *gauges)
{
    metric_single(out, "amt_database_up", "gauge", "1 while the database answers.",
                  gauges->database_connected);
    metric_single(out, "amt_service_points", "gauge", "Service points heard within three heartbeats.",
                  gauges->service_points);
    metric_single(out, "amt_slots", "gauge", "Sessions that these service points can run at once.",
                  gauges->slots);
    metric_single(out, "amt_slots_free", "gauge", "Slots free now.", gauges->slots_free);
    metric_single(out, "amt_agent_connections", "gauge", "Connections of client agents.", gauges->agents);
    metric_single(out, "amt_messages_held", "gauge", "Messages received and not yet committed.",
                  gauges->messages_held);
    metric_single(out, "amt_directory_errands_under_way", "gauge",
                  "Errands to the directory, waiting or under way.", gauges->directory_under_way);
    metric_head(out, "process_start_time_seconds", "gauge", "Start of the process, seconds since 1970.");
    fprintf(out, "process_start_time_seconds %" PRId64 "\n", gauges->started_s);
}

void counters_write(const struct counters *counters, const struct gauges *gauges, FILE *out)
{
    write_messages(out, counters);
    by_reason(out, "amt_hello_verdicts_total", "Hellos by verdict.", counters->verdicts, "offered");
    by_reason(out, "amt_attempts_finished_total", "Attempts by outcome.", counters->finished, "done");
    by_reason(out, "amt_retries_total",
              "Attempts that failed for a reason for which the job is tried again, up to job.attempts.",
              counters->retried, "none");
    step_times_write(&counters->steps, out);
    by_reason(out, "amt_directory_errands_total", "Errands to the directory by outcome.",
              counters->directory_errands, "done");
    metric_single(out, "amt_directory_errands_turned_away_total", "counter",
                  "Questions to the directory that there was no room for.", counters->directory_turned_away);
    metric_single(out, "amt_jobs_offered_total", "counter", "Jobs handed out.", counters->offers);
    metric_single(out, "amt_jobs_declined_total", "counter", "Offers that a service point declined.",
                  counters->declined);
    metric_single(out, "amt_answers_lost_total", "counter", "Answers whose peer was gone.",
                  counters->answers_lost);
    metric_single(out, "amt_turns_total", "counter", "Turns of the loop that carried out messages.",
                  counters->turns);
    metric_single(out, "amt_turns_replayed_total", "counter", "Turns replayed message by message.",
                  counters->turns_replayed);
    metric_head(out, "amt_turn_seconds_total", "counter", "Time spent in turns.");
    fprintf(out, "amt_turn_seconds_total %" PRIu64 ".%06" PRIu64 "\n", counters->turn_microseconds / 1000000,
            counters->turn_microseconds % 1000000);
    metric_single(out, "amt_database_lost_total", "counter", "How often the database went away.",
                  counters->database_lost);
    metric_head(out, "amt_connections_total", "counter", "Connections at the gate, by what became of them.");
    metric_labelled(out, "amt_connections_total", "result", "admitted", counters->connections_admitted);
    metric_labelled(out, "amt_connections_total", "result", "unknown-key", counters->connections_unknown_key);
    metric_labelled(out, "amt_connections_total", "result", "broken-handshake", counters->connections_broken);
    metric_head(out, "amt_agent_connections_total", "counter",
                "Connections at the agents' gate, by what became of them.");
    metric_labelled(out, "amt_agent_connections_total", "result", "admitted", counters->agents_admitted);
    metric_labelled(out, "amt_agent_connections_total", "result", "turned-away",
                    counters->agents_turned_away);
    metric_labelled(out, "amt_agent_connections_total", "result", "broken-handshake",
                    counters->agents_broken);
    metric_head(out, "amt_build_info", "gauge", "1; the label says which version runs.");
    metric_labelled(out, "amt_build_info", "version", PRODUCT_VERSION, 1);
    write_gauges(out, gauges);
}
