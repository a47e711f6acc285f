#include "device.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/root_hash.h"
#include "statement.h"

#define HASH_LIST_SHOWN   6 /* of each list in a reason */
#define HASH_DIGITS_SHOWN 12
#define TRIM_PART         64 /* of the strangers' table: finding its oldest costs as much as it is long */

enum reason_code device_judge_hello(const struct hello_facts *facts, int64_t quiet_s)
{
    if (!facts->known)
        return REASON_UNKNOWN_COMPUTER;
    if (!facts->subnet_granted)
        return REASON_SUBNET_NOT_GRANTED;
    if (facts->blocked)
        return REASON_BLOCKED;
    if (facts->managed_in_band)
        return REASON_MANAGED_IN_BAND;
    if (facts->job_leased)
        return REASON_JOB_UNDER_WAY;
    if (facts->status == STATUS_PROVISIONED && facts->ever_provisioned && facts->provisioned_ago_s < quiet_s)
        return REASON_JUST_PROVISIONED;
    if (facts->unprovisioned && !facts->job_waiting)
        return REASON_UNPROVISIONED;
    if (facts->ever_provisioned && !facts->auto_reprovision && !facts->job_waiting)
        return REASON_REPROVISIONING_OFF;
    if (!facts->root_in_common)
        return REASON_NO_COMMON_ROOT;
    /* The same logins again would only bring the firmware nearer to its lock-out. */
    if (facts->accounts_exhausted && !facts->job_waiting)
        return REASON_NO_ACCOUNT_ACCEPTED;
    return REASON_NONE;
}

/* Reasons of a computer that a later Hello alone can prove over. */
static bool reason_of_a_hello(enum reason_code reason)
{
    return reason == REASON_NO_COMMON_ROOT || reason == REASON_REPROVISIONING_OFF ||
           reason == REASON_UNPROVISIONED;
}

enum amt_status device_status_after_hello(const struct hello_facts *facts, enum reason_code verdict)
{
    switch (verdict) {
    case REASON_NO_COMMON_ROOT:
        return STATUS_DETECTED;
    case REASON_REPROVISIONING_OFF: /* it says Hello, so its provisioning is gone */
    case REASON_UNPROVISIONED:
        return STATUS_NOT_PROVISIONED;
    case REASON_NONE:
        /* One that was tried in vain stays "detected" until a job says better. */
        if (facts->status == STATUS_DETECTED && !reason_of_a_hello(facts->reason))
            return STATUS_KEEP;
        return STATUS_NOT_PROVISIONED;
    default:
        return STATUS_KEEP;
    }
}

/* The Hellos of a turn, one entry for each computer. */
struct heard {
    const struct hello *newest;
    size_t times;
    char *root_hashes; /* texts, separated by blanks */
    struct hello_facts facts;
    enum reason_code verdict;
    char *why; /* of a verdict that is not "offered" */
};

struct turn {
    struct heard *heard; /* sorted by uuid, so that concurrent turns lock in the same order */
    size_t count;
};

static void turn_clear(struct turn *turn)
{
    for (size_t i = 0; i < turn->count; i++) {
        free(turn->heard[i].root_hashes);
        free(turn->heard[i].why);
    }
    free(turn->heard);
}

static int compare_heard(const void *a, const void *b)
{
    return memcmp(&((const struct heard *)a)->newest->seen->uuid,
                  &((const struct heard *)b)->newest->seen->uuid, sizeof(struct uuid));
}

static struct heard *find_heard(const struct turn *turn, const struct uuid *uuid)
{
    struct message_hello_seen seen = { .uuid = *uuid };
    struct hello hello = { .seen = &seen };
    struct heard wanted = { .newest = &hello };

    return turn->count ? bsearch(&wanted, turn->heard, turn->count, sizeof(wanted), compare_heard) : NULL;
}

static bool address_valid(const char *address)
{
    unsigned char bytes[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, address, bytes) == 1 || inet_pton(AF_INET6, address, bytes) == 1;
}

static char *join_hashes(const struct root_hash *hashes, size_t count)
{
    char *text = allocate(count * (ROOT_HASH_TEXT_SIZE + 1) + 1);
    char *at = text;

    for (size_t i = 0; i < count; i++) {
        if (i)
            *at++ = ' ';
        root_hash_text(&hashes[i], at);
        at += strlen(at);
    }
    return text;
}

static void collect(const struct hello *hellos, size_t count, struct turn *turn)
{
    size_t kept = 0;

    turn->heard = allocate(count * sizeof(*turn->heard));
    for (size_t i = 0; i < count; i++) {
        if (address_valid(hellos[i].seen->address))
            turn->heard[turn->count++] = (struct heard){ .newest = &hellos[i], .times = 1 };
    }
    qsort(turn->heard, turn->count, sizeof(*turn->heard), compare_heard);
    for (size_t i = 0; i < turn->count; i++) {
        struct heard *former = kept ? &turn->heard[kept - 1] : NULL;

        if (former && compare_heard(former, &turn->heard[i]) == 0) {
            former->times++;
            if (turn->heard[i].newest->seen->seen_at_ms >= former->newest->seen->seen_at_ms)
                former->newest = turn->heard[i].newest;
        } else {
            turn->heard[kept++] = turn->heard[i];
        }
    }
    turn->count = kept;
    for (size_t i = 0; i < turn->count; i++) {
        const struct message_hello_seen *seen = turn->heard[i].newest->seen;

        turn->heard[i].root_hashes = join_hashes(seen->root_hashes, seen->root_hash_count);
    }
}

static bool load_facts(struct database *database, struct turn *turn, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct array *uuids = parameters_uuids(parameters);
    struct array *hashes = parameters_texts(parameters);
    struct array *addresses = parameters_texts(parameters);
    struct array *points = parameters_numbers(parameters);

    for (size_t i = 0; i < turn->count; i++) {
        array_add_uuid(uuids, &turn->heard[i].newest->seen->uuid);
        array_add_text(hashes, turn->heard[i].root_hashes);
        array_add_text(addresses, turn->heard[i].newest->seen->address);
        array_add_number(points, turn->heard[i].newest->service_point);
    }
    if (!database_run(database, STATEMENT_HELLO_FACTS, parameters, &rows, err))
        return false;
    for (size_t i = 0; i < rows_count(rows); i++) {
        struct hello_facts *facts = &turn->heard[row_number(rows, i, "ordinal") - 1].facts;
        const char *job = row_text(rows, i, "job_state");
        const char *reason = row_text(rows, i, "reason_code");

        facts->known = true;
        facts->blocked = row_bool(rows, i, "blocked");
        facts->managed_in_band = row_bool(rows, i, "managed_in_band");
        facts->auto_reprovision = row_bool(rows, i, "auto_reprovision");
        facts->unprovisioned = row_bool(rows, i, "unprovisioned");
        facts->job_leased = job && strcmp(job, "leased") == 0;
        facts->job_waiting = job && strcmp(job, "waiting") == 0;
        facts->subnet_granted = row_bool(rows, i, "subnet_granted");
        facts->root_in_common = row_bool(rows, i, "root_in_common");
        facts->accounts_exhausted = row_bool(rows, i, "accounts_exhausted");
        facts->status = row_is_null(rows, i, "amt_status")
                            ? STATUS_UNKNOWN
                            : (enum amt_status)row_number(rows, i, "amt_status");
        if (!reason || !reason_find(reason, &facts->reason))
            facts->reason = REASON_NONE;
        facts->ever_provisioned = !row_is_null(rows, i, "provisioned_ago_s");
        if (facts->ever_provisioned)
            facts->provisioned_ago_s = row_number(rows, i, "provisioned_ago_s");
    }
    return true;
}

/* "SHA-256:e7685634efac, ... and 3 more" */
static char *shorten_hashes(const char *joined)
{
    size_t shown = 0, more = 0;
    char *text = text_copy("");

    while (*joined) {
        size_t length = strcspn(joined, " ");
        size_t prefix = strcspn(joined, ":") + 1 + HASH_DIGITS_SHOWN;

        if (shown < HASH_LIST_SHOWN) {
            char *longer = text_format("%s%s%.*s", text, shown ? ", " : "",
                                       (int)(prefix < length ? prefix : length), joined);

            free(text);
            text = longer;
            shown++;
        } else {
            more++;
        }
        joined += length;
        joined += *joined == ' ';
    }
    if (more || !shown) {
        char *longer = more ? text_format("%s and %zu more", text, more) : text_copy("none");

        free(text);
        text = longer;
    }
    return text;
}

static bool explain_roots(struct database *database, struct turn *turn, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;
    AUTO(text_free) char *ours = NULL;

    for (size_t i = 0; i < turn->count; i++) {
        AUTO(text_free) char *theirs = NULL;

        if (turn->heard[i].verdict != REASON_NO_COMMON_ROOT)
            continue;
        if (!rows && !database_run(database, STATEMENT_SITE_ROOTS, NULL, &rows, err))
            return false;
        if (!ours)
            ours = shorten_hashes(row_text(rows, 0, "root_hashes"));
        theirs = shorten_hashes(turn->heard[i].root_hashes);
        turn->heard[i].why = text_format("no trusted root in common: the computer trusts %s; "
                                         "the connected service points' certificates come from %s",
                                         theirs, ours);
    }
    return true;
}

static void judge(struct turn *turn, int64_t quiet_s)
{
    for (size_t i = 0; i < turn->count; i++) {
        struct heard *heard = &turn->heard[i];

        heard->verdict = device_judge_hello(&heard->facts, quiet_s);
        if (heard->verdict != REASON_NONE && heard->verdict != REASON_NO_COMMON_ROOT)
            heard->why = text_copy(reason_of(heard->verdict)->meaning);
    }
}

static void add_status(struct array *statuses, enum amt_status status)
{
    if (status >= 0)
        array_add_number(statuses, status);
    else
        array_add_null(statuses);
}

static char *computer_reason(const struct heard *heard)
{
    return text_format("%s; %s", heard->why, reason_of(heard->verdict)->remedy);
}

/* The computer's own reason: set by verdicts that are about the computer, taken away when a Hello proves it
 * over. */
static void add_reason(const struct heard *heard, struct array *changes, struct array *codes,
                       struct array *reasons)
{
    bool sets = reason_of_a_hello(heard->verdict);
    bool clears =
        heard->verdict == REASON_NONE && device_status_after_hello(&heard->facts, REASON_NONE) != STATUS_KEEP;
    AUTO(text_free) char *sentence = sets ? computer_reason(heard) : NULL;

    array_add_bool(changes, sets || clears);
    array_add_text(codes, sets ? reason_of(heard->verdict)->name : NULL);
    array_add_text(reasons, sentence);
}

static bool store_known(struct database *database, const struct turn *turn, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *uuids = parameters_uuids(parameters);
    struct array *addresses = parameters_texts(parameters);
    struct array *points = parameters_numbers(parameters);
    struct array *hashes = parameters_texts(parameters);
    struct array *retries = parameters_numbers(parameters);
    struct array *credentials = parameters_bools(parameters);
    struct array *times = parameters_numbers(parameters);
    struct array *verdicts = parameters_texts(parameters);
    struct array *reasons = parameters_texts(parameters);
    struct array *statuses = parameters_numbers(parameters);
    struct array *changes = parameters_bools(parameters);
    struct array *computer_codes = parameters_texts(parameters);
    struct array *computer_reasons = parameters_texts(parameters);

    for (size_t i = 0; i < turn->count; i++) {
        const struct heard *heard = &turn->heard[i];
        const struct message_hello_seen *seen = heard->newest->seen;

        if (!heard->facts.known)
            continue;
        array_add_uuid(uuids, &seen->uuid);
        array_add_text(addresses, seen->address);
        array_add_number(points, heard->newest->service_point);
        array_add_text(hashes, heard->root_hashes);
        array_add_number(retries, seen->retry_count < INT32_MAX ? seen->retry_count : INT32_MAX);
        array_add_bool(credentials, seen->credentials_set);
        array_add_number(times, (int64_t)heard->times);
        array_add_text(verdicts, heard->verdict == REASON_NONE ? NULL : reason_of(heard->verdict)->name);
        array_add_text(reasons, heard->why);
        add_status(statuses, device_status_after_hello(&heard->facts, heard->verdict));
        add_reason(heard, changes, computer_codes, computer_reasons);
    }
    return !array_count(uuids) || database_write(database, STATEMENT_HELLO_STORE, parameters, err);
}

/* What waits for a provisioned computer waits in vain when it says Hello. */
static bool void_jobs(struct database *database, struct parameters *uuids, struct error *err)
{
    const struct reason *reason = reason_of(REASON_NOT_PROVISIONED);
    AUTO(text_free) char *sentence = text_format("%s: it says Hello; %s", reason->meaning, reason->remedy);

    parameters_text(uuids, reason->name);
    parameters_text(uuids, sentence);
    return database_write(database, STATEMENT_HELLO_JOBS_VOID, uuids, err);
}

static bool store_jobs(struct database *database, const struct turn *turn, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(parameters_free) struct parameters *voided = parameters_new();
    struct array *uuids = parameters_uuids(parameters);
    struct array *points = parameters_numbers(parameters);
    struct array *voided_uuids = parameters_uuids(voided);

    for (size_t i = 0; i < turn->count; i++) {
        if (turn->heard[i].verdict == REASON_NONE) {
            array_add_uuid(uuids, &turn->heard[i].newest->seen->uuid);
            array_add_uuid(voided_uuids, &turn->heard[i].newest->seen->uuid);
            array_add_number(points, turn->heard[i].newest->service_point);
        }
    }
    return !array_count(uuids) || (void_jobs(database, voided, err) &&
                                   database_write(database, STATEMENT_HELLO_JOBS, parameters, err));
}

/* A job that waits, as one that an operator asked for does, cannot begin: it ends for the same reason. */
static bool fail_jobs(struct database *database, const struct turn *turn, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *uuids = parameters_uuids(parameters);
    struct array *codes = parameters_texts(parameters);
    struct array *reasons = parameters_texts(parameters);

    for (size_t i = 0; i < turn->count; i++) {
        const struct heard *heard = &turn->heard[i];
        AUTO(text_free) char *sentence = NULL;

        if (heard->verdict != REASON_NO_COMMON_ROOT || !heard->facts.job_waiting)
            continue;
        sentence = computer_reason(heard);
        array_add_uuid(uuids, &heard->newest->seen->uuid);
        array_add_text(codes, reason_of(heard->verdict)->name);
        array_add_text(reasons, sentence);
    }
    return !array_count(uuids) || database_write(database, STATEMENT_HELLO_JOBS_FAIL, parameters, err);
}

static bool trim_unknown(struct database *database, int64_t most, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_number(parameters, most);
    return database_write(database, STATEMENT_UNKNOWN_TRIM, parameters, err);
}

static bool store_unknown(struct database *database, const struct turn *turn, int64_t most,
                          struct strangers *strangers, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct array *uuids = parameters_uuids(parameters);
    struct array *addresses = parameters_texts(parameters);
    struct array *points = parameters_numbers(parameters);
    struct array *hashes = parameters_texts(parameters);
    struct array *times = parameters_numbers(parameters);

    for (size_t i = 0; i < turn->count; i++) {
        const struct heard *heard = &turn->heard[i];

        if (heard->facts.known)
            continue;
        array_add_uuid(uuids, &heard->newest->seen->uuid);
        array_add_text(addresses, heard->newest->seen->address);
        array_add_number(points, heard->newest->service_point);
        array_add_text(hashes, heard->root_hashes);
        array_add_number(times, (int64_t)heard->times);
    }
    if (!array_count(uuids))
        return true;
    if (!database_run(database, STATEMENT_UNKNOWN_STORE, parameters, &rows, err))
        return false;
    strangers->untrimmed += row_number(rows, 0, "added");
    if (strangers->untrimmed <= most / TRIM_PART)
        return true;
    strangers->untrimmed = 0;
    return trim_unknown(database, most, err);
}

static void answer(const struct turn *turn, const struct message_hello_seen *seen,
                   struct message_hello_verdict *verdict)
{
    const struct heard *heard = address_valid(seen->address) ? find_heard(turn, &seen->uuid) : NULL;

    *verdict = (struct message_hello_verdict){ .uuid = seen->uuid };
    if (!heard) {
        verdict->reason = REASON_MESSAGE_REFUSED;
        verdict->text = text_copy("the address is not numeric");
        return;
    }
    verdict->offered = heard->verdict == REASON_NONE;
    verdict->reason = heard->verdict;
    verdict->text = text_copy(heard->why);
}

bool device_hellos(struct database *database, const struct hello_settings *settings,
                   struct strangers *strangers, const struct hello *hellos, size_t count,
                   struct message_hello_verdict *verdicts, struct error *err)
{
    AUTO(turn_clear) struct turn turn = { 0 };

    collect(hellos, count, &turn);
    if (turn.count) {
        if (!load_facts(database, &turn, err))
            return false;
        judge(&turn, settings->quiet_s);
        if (!explain_roots(database, &turn, err) || !store_known(database, &turn, err) ||
            !store_jobs(database, &turn, err) || !fail_jobs(database, &turn, err) ||
            !store_unknown(database, &turn, settings->unknown_max, strangers, err))
            return false;
    }
    for (size_t i = 0; i < count; i++)
        answer(&turn, hellos[i].seen, &verdicts[i]);
    return true;
}
