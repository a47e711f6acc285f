/*
 * device.h - the computers as the site knows them: what becomes of a Hello (spec O2, O3).
 *
 * The calls run inside the transaction of the caller's turn. They send nothing.
 */
#ifndef DEVICES_DEVICE_H
#define DEVICES_DEVICE_H

#include "common/message.h"
#include "database/database.h"

struct hello_settings {
    int64_t quiet_s;     /* a Hello this soon after provisioning is a late one */
    int64_t unknown_max; /* rows of unknown_hello, and a 64th more until the oldest leave */
};

/* Zero-initialise; kept from turn to turn. When a turn is rolled back it counts too many or, once, too few:
 * the table is trimmed a little too early or too late. */
struct strangers {
    int64_t untrimmed; /* rows added since the oldest had to leave */
};

struct hello {
    int64_t service_point;                 /* id of the one that heard it */
    const struct message_hello_seen *seen; /* borrowed */
};

/*
 * Judges all Hellos of a turn at once and stores what follows from them: verdicts[i] belongs to hellos[i].
 * A computer whose verdict is "offered" has an open job afterwards. The caller ends each verdict's text with
 * text_free(). A Hello with an address that is none fails alone: REASON_MESSAGE_REFUSED in its verdict.
 */
bool device_hellos(struct database *database, const struct hello_settings *settings,
                   struct strangers *strangers, const struct hello *hellos, size_t count,
                   struct message_hello_verdict *verdicts, struct error *err) MUST_CHECK;

/* What the verdict depends on. */
struct hello_facts {
    bool known, blocked, managed_in_band, job_leased, job_waiting, auto_reprovision;
    bool unprovisioned;      /* an operator wants it so; no job that provisions it was requested since */
    bool subnet_granted;     /* to the service point that heard it */
    bool root_in_common;     /* with a service point that is connected now */
    bool accounts_exhausted; /* every account was refused within the last hour, and no new one came since */
    enum amt_status status;
    enum reason_code reason; /* that the computer has now */
    bool ever_provisioned;
    int64_t provisioned_ago_s; /* when ever_provisioned */
};

/* REASON_NONE: offered. Pure. */
enum reason_code device_judge_hello(const struct hello_facts *facts, int64_t quiet_s);
/* The status that the computer has after such a verdict; STATUS_KEEP. Pure. */
enum amt_status device_status_after_hello(const struct hello_facts *facts, enum reason_code verdict);

#endif
