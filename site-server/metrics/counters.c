#include "metrics/counters.h"

#include <inttypes.h>

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

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
    head(out, name, type, help);
    fprintf(out, "%s %" PRIu64 "\n", name, value);
}

static void labelled(FILE *out, const char *name, const char *label, const char *value, uint64_t number)
{
    fprintf(out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, value, number);
}

/* Reasons that never occurred are left out: the list is long, and a series may begin late. */
static void by_reason(FILE *out, const char *name, const char *help, const uint64_t *values,
                      const char *none_name)
{
    head(out, name, "counter", help);
    labelled(out, name, "reason", none_name, values[REASON_NONE]);
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        if (values[i])
            labelled(out, name, "reason", reason_of((enum reason_code)i)->name, values[i]);
    }
}

static void write_messages(FILE *out, const struct counters *counters)
{
    head(out, "amt_messages_total", "counter", "Messages carried out, by kind.");
    for (int kind = MESSAGE_REGISTER; kind <= MESSAGE_KIND_LAST; kind++) {
        if (counters->messages[kind])
            labelled(out, "amt_messages_total", "kind", message_kind_name((enum message_kind)kind),
                     counters->messages[kind]);
    }
    head(out, "amt_messages_refused_total", "counter", "Messages refused, by reason.");
    for (int i = 0; i < REFUSAL_COUNT; i++)
        labelled(out, "amt_messages_refused_total", "reason", refusal_names[i], counters->refused[i]);
}

static void write_gauges(FILE *out, const struct gauges *gauges)
{
    single(out, "amt_database_up", "gauge", "1 while the database answers.", gauges->database_connected);
    single(out, "amt_service_points", "gauge", "Service points heard within three heartbeats.",
           gauges->service_points);
    single(out, "amt_slots", "gauge", "Sessions that these service points can run at once.", gauges->slots);
    single(out, "amt_slots_free", "gauge", "Slots free now.", gauges->slots_free);
    single(out, "amt_agent_connections", "gauge", "Connections of client agents.", gauges->agents);
    single(out, "amt_messages_held", "gauge", "Messages received and not yet committed.",
           gauges->messages_held);
    single(out, "amt_directory_errands_under_way", "gauge", "Errands to the directory, waiting or under way.",
           gauges->directory_under_way);
    head(out, "process_start_time_seconds", "gauge", "Start of the process, seconds since 1970.");
    fprintf(out, "process_start_time_seconds %" PRId64 "\n", gauges->started_s);
}

void counters_write(const struct counters *counters, const struct gauges *gauges, FILE *out)
{
    write_messages(out, counters);
    by_reason(out, "amt_hello_verdicts_total", "Hellos by verdict.", counters->verdicts, "offered");
    by_reason(out, "amt_attempts_finished_total", "Attempts by outcome.", counters->finished, "done");
    by_reason(out, "amt_directory_errands_total", "Errands to the directory by outcome.",
              counters->directory_errands, "done");
    single(out, "amt_directory_errands_turned_away_total", "counter",
           "Questions to the directory that there was no room for.", counters->directory_turned_away);
    single(out, "amt_jobs_offered_total", "counter", "Jobs handed out.", counters->offers);
    single(out, "amt_jobs_declined_total", "counter", "Offers that a service point declined.",
           counters->declined);
    single(out, "amt_answers_lost_total", "counter", "Answers whose peer was gone.", counters->answers_lost);
    single(out, "amt_turns_total", "counter", "Turns of the loop that carried out messages.",
           counters->turns);
    single(out, "amt_turns_replayed_total", "counter", "Turns replayed message by message.",
           counters->turns_replayed);
    head(out, "amt_turn_seconds_total", "counter", "Time spent in turns.");
    fprintf(out, "amt_turn_seconds_total %" PRIu64 ".%06" PRIu64 "\n", counters->turn_microseconds / 1000000,
            counters->turn_microseconds % 1000000);
    single(out, "amt_database_lost_total", "counter", "How often the database went away.",
           counters->database_lost);
    head(out, "amt_connections_total", "counter", "Connections at the gate, by what became of them.");
    labelled(out, "amt_connections_total", "result", "admitted", counters->connections_admitted);
    labelled(out, "amt_connections_total", "result", "unknown-key", counters->connections_unknown_key);
    labelled(out, "amt_connections_total", "result", "broken-handshake", counters->connections_broken);
    head(out, "amt_agent_connections_total", "counter",
         "Connections at the agents' gate, by what became of them.");
    labelled(out, "amt_agent_connections_total", "result", "admitted", counters->agents_admitted);
    labelled(out, "amt_agent_connections_total", "result", "turned-away", counters->agents_turned_away);
    labelled(out, "amt_agent_connections_total", "result", "broken-handshake", counters->agents_broken);
    write_gauges(out, gauges);
}
