#include "service_point.h"

#include <stdlib.h>
#include <string.h>

#include "devices/root_hash.h"
#include "jobs/provisioning_certificate.h"
#include "jobs/subnet.h"
#include "statement.h"

#define PENDING_MAX 1000 /* keys that knock; a stranger can make as many as he likes */

void approved_points_clear(struct approved_points *points)
{
    for (size_t i = 0; i < points->count; i++) {
        free(points->items[i].key);
        free(points->items[i].name);
    }
    free(points->items);
    *points = (struct approved_points){ 0 };
}

bool service_point_approved(struct database *database, struct approved_points *points, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!database_run(database, STATEMENT_SERVICE_POINTS_APPROVED, NULL, &rows, err))
        return false;
    approved_points_clear(points);
    points->items = allocate(rows_count(rows) * sizeof(*points->items));
    points->count = rows_count(rows);
    for (size_t i = 0; i < points->count; i++) {
        points->items[i].id = row_number(rows, i, "id");
        points->items[i].key = text_copy(row_text(rows, i, "key"));
        points->items[i].name = text_copy(row_text(rows, i, "name"));
        points->items[i].elsewhere = row_bool(rows, i, "elsewhere");
    }
    return true;
}

/* An address that is none is left out: it is for people only. */
static const char *numeric_or_null(const char *address)
{
    return address && *address && subnet_valid(address) ? address : NULL;
}

static bool trim_pending(struct database *database, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_number(parameters, PENDING_MAX);
    return database_write(database, STATEMENT_SERVICE_POINTS_TRIM, parameters, err);
}

bool service_point_knocked(struct database *database, const struct knocking_point *knocks, size_t count,
                           struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct array *keys = parameters_texts(parameters);
    struct array *addresses = parameters_texts(parameters);

    if (!count)
        return true;
    for (size_t i = 0; i < count; i++) {
        array_add_text(keys, knocks[i].key);
        array_add_text(addresses, numeric_or_null(knocks[i].address));
    }
    if (!database_run(database, STATEMENT_SERVICE_POINTS_KNOCKED, parameters, &rows, err))
        return false;
    return row_number(rows, 0, "added") == 0 || trim_pending(database, err);
}

static bool check_subnets(const struct message_register *said, struct error *err)
{
    for (size_t i = 0; i < said->subnet_count; i++) {
        if (!subnet_valid(said->subnets[i]))
            return error_because(err, REASON_MESSAGE_REFUSED, "REGISTER: '%.60s' is no subnet",
                                 said->subnets[i]);
    }
    return true;
}

static void add_certificates(struct parameters *parameters, const struct message_register *said)
{
    struct array *hashes = parameters_texts(parameters);
    struct array *subjects = parameters_texts(parameters);
    struct array *roots = parameters_texts(parameters);
    struct array *ends = parameters_numbers(parameters);

    for (size_t i = 0; i < said->certificate_count; i++) {
        const struct provisioning_certificate_info *certificate = &said->certificates[i];

        array_add_text(subjects, certificate->subject);
        array_add_text(roots, certificate->root_subject);
        if (certificate->not_after_s)
            array_add_number(ends, certificate->not_after_s);
        else
            array_add_null(ends);
        for (size_t k = 0; k < certificate->root_hash_count; k++) {
            char text[ROOT_HASH_TEXT_SIZE];

            array_add_text(hashes, root_hash_text(&certificate->root_hashes[k], text));
        }
    }
}

static void add_session(struct parameters *parameters, const struct message_register *said)
{
    if (said->process) {
        parameters_number(parameters, (int64_t)said->process);
        parameters_number(parameters, (int64_t)said->session);
    } else {
        parameters_text(parameters, NULL);
        parameters_text(parameters, NULL);
    }
}

static void read_elsewhere(struct rows *rows, size_t row, struct point_elsewhere *point)
{
    size_t subnets = row_text_count(rows, row, "subnets"), roots = row_text_count(rows, row, "root_hashes");

    point->id = row_number(rows, row, "id");
    point->free = (uint32_t)row_number(rows, row, "free");
    point->subnets = allocate(subnets * sizeof(*point->subnets));
    for (; point->subnet_count < subnets; point->subnet_count++)
        point->subnets[point->subnet_count] =
            text_copy(row_text_element(rows, row, "subnets", point->subnet_count));
    point->root_hashes = allocate(roots * sizeof(*point->root_hashes));
    for (size_t i = 0; i < roots; i++)
        point->root_hash_count += root_hash_parse(row_text_element(rows, row, "root_hashes", i),
                                                  &point->root_hashes[point->root_hash_count]);
}

bool service_points_elsewhere(struct database *database, struct points_elsewhere *points, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    if (!database_run(database, STATEMENT_SERVICE_POINTS_ELSEWHERE, NULL, &rows, err))
        return false;
    points->items = allocate(rows_count(rows) * sizeof(*points->items));
    for (; points->count < rows_count(rows); points->count++)
        read_elsewhere(rows, points->count, &points->items[points->count]);
    return true;
}

void points_elsewhere_clear(struct points_elsewhere *points)
{
    for (size_t i = 0; i < points->count; i++) {
        for (size_t k = 0; k < points->items[i].subnet_count; k++)
            free(points->items[i].subnets[k]);
        free(points->items[i].subnets);
        free(points->items[i].root_hashes);
    }
    free(points->items);
    *points = (struct points_elsewhere){ 0 };
}

bool service_point_register(struct database *database, const char *key, const char *address,
                            const struct message_register *said, int64_t connected_s, int64_t *id,
                            char **name, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    struct array *subnets;

    if (!check_subnets(said, err))
        return false;
    parameters_text(parameters, key);
    parameters_text(parameters, numeric_or_null(address));
    parameters_text(parameters, said->name);
    parameters_text(parameters, said->software_version);
    parameters_number(parameters, said->slots < INT32_MAX ? said->slots : INT32_MAX);
    parameters_number(parameters, said->free < INT32_MAX ? said->free : INT32_MAX);
    parameters_number(parameters, (int64_t)said->running_count);
    parameters_number(parameters, connected_s);
    subnets = parameters_texts(parameters);
    for (size_t i = 0; i < said->subnet_count; i++)
        array_add_text(subnets, said->subnets[i]);
    add_certificates(parameters, said);
    add_session(parameters, said);
    if (!database_run(database, STATEMENT_SERVICE_POINT_REGISTER, parameters, &rows, err))
        return false;
    if (!rows_count(rows))
        return error_set(
            err, ERROR_REFUSED,
            "service point with key %s is not approved (run: amtctl service-point approve), or has "
            "begun a later session with another site server",
            key);
    if (!row_is_null(rows, 0, "granted_only"))
        return error_because(
            err, REASON_SUBNET_NOT_GRANTED,
            "REGISTER: %s may serve %s alone, and says that it serves %s; set its subnets so, or "
            "run: amtctl service-point approve --subnets",
            row_text(rows, 0, "name"), row_text(rows, 0, "granted_only"),
            said->subnet_count ? "others" : "any");
    if (!database_write(database, STATEMENT_JOBS_STRANDED_DUE, NULL, err) ||
        !provisioning_certificates_store(database, row_number(rows, 0, "id"), said->certificates,
                                         said->certificate_count, err))
        return false;
    *id = row_number(rows, 0, "id");
    *name = text_copy(row_text(rows, 0, "name"));
    return true;
}

bool service_point_heard(struct database *database, const struct heard_point *heard, size_t count,
                         int64_t connected_s, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *ids, *slots, *running, *owners, *names, *values;

    if (!count)
        return true;
    parameters_number(parameters, connected_s);
    ids = parameters_numbers(parameters);
    slots = parameters_numbers(parameters);
    running = parameters_numbers(parameters);
    owners = parameters_numbers(parameters);
    names = parameters_texts(parameters);
    values = parameters_numbers(parameters);
    for (size_t i = 0; i < count; i++) {
        array_add_number(ids, heard[i].id);
        array_add_number(slots, heard[i].free < INT32_MAX ? heard[i].free : INT32_MAX);
        array_add_number(running, heard[i].running < INT32_MAX ? heard[i].running : INT32_MAX);
        for (size_t k = 0; k < heard[i].counter_count; k++) {
            array_add_number(owners, heard[i].id);
            array_add_text(names, heard[i].counters[k].name);
            array_add_number(values, (int64_t)(heard[i].counters[k].value & INT64_MAX));
        }
    }
    return database_write(database, STATEMENT_SERVICE_POINTS_HEARD, parameters, err);
}
