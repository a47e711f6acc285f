#include "registry.h"

#include <string.h>

#include "statement.h"

#define FORMER_KEPT 20 /* of a computer, so that its table has an end */

/* ---- registering ---- */

static bool store(struct database *database, const struct message_otp_register *said, int64_t lifetime_s,
                  struct error *err)
{
    AUTO(parameters_free) struct parameters *former = parameters_new();
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(parameters_free) struct parameters *computer = parameters_new();
    AUTO(parameters_free) struct parameters *kept = parameters_new();

    parameters_uuid(former, &said->uuid);
    parameters_text(former, "its agent registered a new one-time password");
    parameters_uuid(parameters, &said->uuid);
    parameters_bytes(parameters, said->salt.data, said->salt.length);
    parameters_bytes(parameters, said->hash.data, said->hash.length);
    parameters_number(parameters, lifetime_s);
    parameters_uuid(computer, &said->uuid);
    parameters_text(computer, said->wired.address);
    parameters_number(computer, said->wired.prefix_bits);
    parameters_uuid(kept, &said->uuid);
    parameters_number(kept, FORMER_KEPT);
    return database_write(database, STATEMENT_OTP_FORGET, former, err) &&
           database_write(database, STATEMENT_OTP_STORE, parameters, err) &&
           database_write(database, STATEMENT_OTP_COMPUTER, computer, err) &&
           database_write(database, STATEMENT_OTP_TRIM, kept, err);
}

bool registry_register(struct database *database, const struct message_otp_register *said, int64_t lifetime_s,
                       enum reason_code *reason, uint32_t *expires_s, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    parameters_uuid(parameters, &said->uuid);
    parameters_bytes(parameters, said->salt.data, said->salt.length);
    parameters_bytes(parameters, said->hash.data, said->hash.length);
    if (!database_run(database, STATEMENT_OTP_KNOWN, parameters, &rows, err))
        return false;
    *reason = REASON_NONE;
    if (!rows_count(rows)) {
        *expires_s = (uint32_t)lifetime_s;
        return store(database, said, lifetime_s, err);
    }
    /* Said again because the answer got lost: nothing else can be meant by the same hash. */
    if (row_bool(rows, 0, "open"))
        *expires_s = (uint32_t)row_number(rows, 0, "expires_s");
    else
        *reason = REASON_OTP_USED;
    return true;
}

/* ---- activating ---- */

static bool begin_job(struct database *database, const struct message_activated *said, struct error *err)
{
    AUTO(parameters_free) struct parameters *former = parameters_new();
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(parameters_free) struct parameters *computer = parameters_new();

    parameters_uuid(former, &said->uuid);
    parameters_text(former, "the computer's agent began a new setup");
    parameters_uuid(parameters, &said->uuid);
    parameters_uuid(computer, &said->uuid);
    parameters_text(computer, said->wired.address);
    parameters_number(computer, said->wired.prefix_bits);
    return database_write(database, STATEMENT_OTP_CANCEL_WAITING, former, err) &&
           database_write(database, STATEMENT_OTP_ACTIVATE, parameters, err) &&
           database_write(database, STATEMENT_OTP_COMPUTER, computer, err);
}

bool registry_activate(struct database *database, const struct message_activated *said,
                       enum reason_code *reason, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    parameters_uuid(parameters, &said->uuid);
    if (!database_run(database, STATEMENT_OTP_OPEN, parameters, &rows, err))
        return false;
    *reason = rows_count(rows) ? REASON_NONE : REASON_OTP_MISSING;
    if (*reason != REASON_NONE || row_bool(rows, 0, "activated"))
        return true;
    if (row_bool(rows, 0, "job_leased"))
        *reason = REASON_JOB_UNDER_WAY;
    return *reason != REASON_NONE || begin_job(database, said, err);
}

/* ---- handing out ---- */

bool registry_of_jobs(struct database *database, const int64_t *jobs, size_t count, struct rows **rows,
                      struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *numbers = parameters_numbers(parameters);

    for (size_t i = 0; i < count; i++)
        array_add_number(numbers, jobs[i]);
    return database_run(database, STATEMENT_OTP_OF_JOBS, parameters, rows, err);
}
