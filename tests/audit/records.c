#include "audit/records.h"

#include <stdlib.h>
#include <string.h>

#include "common/ownership.h"

enum { COLUMNS_MAX = 8 };

/* A query that gives uuid and sentence for every computer that breaks a rule. */
static const struct {
    const char *rule, *query;
} rules[] = {
    { "the computer is provisioned, and nothing is held against it",
      "SELECT uuid, format('is %s%s', amt_status_name, ': ' || reason) FROM amt.computer"
      " WHERE amt_status IS DISTINCT FROM 3 OR reason_code IS NOT NULL OR provisioned_at IS NULL" },
    { "one admin password is active",
      "SELECT c.uuid, format('%s admin passwords are active', count(s.id)) FROM amt.computer c"
      " LEFT JOIN amt.secret_status s ON s.uuid = c.uuid AND s.kind = 'admin' AND s.state = 'active'"
      " GROUP BY c.uuid HAVING count(s.id) <> 1" },
    { "one MEBx password is active, unless the profile leaves it or the firmware refuses it",
      "SELECT c.uuid, format('%s MEBx passwords are active', count(s.id))"
      "  FROM amt.computer c JOIN amt.profile p ON p.name = c.profile"
      "  LEFT JOIN amt.secret_status s ON s.uuid = c.uuid AND s.kind = 'mebx' AND s.state = 'active'"
      " WHERE p.mebx_password <> 'leave'"
      "   AND NOT EXISTS (SELECT FROM amt.job_step t JOIN amt.job j ON j.id = t.job"
      "                    WHERE j.uuid = c.uuid AND t.name = 'MEBx password'"
      "                      AND t.reason_code = 'not-permitted')"
      " GROUP BY c.uuid HAVING count(s.id) <> 1" },
    { "no password is pending",
      "SELECT uuid, format('a %s password is pending since %s', kind, created_at) FROM amt.secret_status"
      " WHERE state = 'pending'" },
    { "every active password may be on the device",
      "SELECT uuid, format('the active %s password is said not to be on the device', kind)"
      "  FROM amt.secret_status WHERE state = 'active' AND NOT maybe_on_device" },
    { "one certificate for the TLS server is active",
      "SELECT c.uuid, format('%s certificates of the TLS server are active', count(t.id))"
      "  FROM amt.computer c LEFT JOIN amt.certificate t"
      "    ON t.uuid = c.uuid AND t.state = 'active' AND t.usage = 'server'"
      " GROUP BY c.uuid HAVING count(t.id) <> 1" },
    { "no certificate is pending",
      "SELECT uuid, format('certificate %s of job %s, attempt %s, is pending', serial, job, attempt)"
      "  FROM amt.certificate WHERE state = 'pending'" },
    { "no job is open, and the last one was done",
      "SELECT j.uuid, format('job %s, %s, is %s%s', j.id, j.kind, j.state, ': ' || j.reason)"
      "  FROM amt.job j WHERE j.state IN ('waiting', 'leased') OR (j.state <> 'done'"
      "   AND j.id = (SELECT max(l.id) FROM amt.job l WHERE l.uuid = j.uuid))" },
    { "a closed job has begun and ended, in this order, and is not leased",
      "SELECT uuid, format('job %s is %s, but began %s, ended %s, leased until %s', id, state,"
      "                    coalesce(started_at::text, 'never'), coalesce(finished_at::text, 'never'),"
      "                    coalesce(leased_until::text, 'nothing'))"
      "  FROM amt.job WHERE state = 'done' AND (started_at IS NULL OR finished_at IS NULL"
      "    OR finished_at < started_at OR leased_until IS NOT NULL)" },
    { "attempts are numbered from 1 without a gap",
      "SELECT j.uuid, format('job %s is at attempt %s, but has %s, the last with number %s', j.id, j.attempt,"
      "                      count(a.attempt), coalesce(max(a.attempt), 0))"
      "  FROM amt.job j LEFT JOIN amt.job_attempt a ON a.job = j.id"
      " GROUP BY j.id, j.uuid, j.attempt"
      " HAVING count(a.attempt) <> j.attempt OR coalesce(max(a.attempt), 0) <> j.attempt" },
    { "every attempt of a closed job ended, and none before it began",
      "SELECT j.uuid, format('attempt %s of job %s ended %s with outcome %s', a.attempt, a.job,"
      "                      coalesce(a.closed_at::text, 'never'), coalesce(a.outcome, 'none'))"
      "  FROM amt.job_attempt a JOIN amt.job j ON j.id = a.job"
      " WHERE j.state NOT IN ('waiting', 'leased')"
      "   AND (a.outcome IS NULL OR a.closed_at IS NULL OR a.closed_at < a.leased_at)" },
    { "a done job was done by its last attempt, and by no other",
      "SELECT j.uuid, format('job %s is done, but its attempts ended with: %s', j.id,"
      "                      string_agg(a.outcome, ', ' ORDER BY a.attempt))"
      "  FROM amt.job j JOIN amt.job_attempt a ON a.job = j.id WHERE j.state = 'done'"
      " GROUP BY j.id, j.uuid, j.attempt"
      " HAVING count(*) FILTER (WHERE a.outcome = 'done') <> 1"
      "     OR max(a.attempt) FILTER (WHERE a.outcome = 'done') IS DISTINCT FROM j.attempt" },
    { "an attempt began after the one before had ended",
      "SELECT j.uuid, format('attempt %s of job %s began before attempt %s ended', b.attempt, b.job, "
      "a.attempt)"
      "  FROM amt.job_attempt a JOIN amt.job_attempt b ON b.job = a.job AND b.attempt = a.attempt + 1"
      "  JOIN amt.job j ON j.id = a.job WHERE b.leased_at < a.closed_at" },
    { "an attempt that was done has steps, and none of them failed",
      "SELECT j.uuid, format('attempt %s of job %s is done, but has %s steps, %s of them failed', a.attempt,"
      "                      a.job, count(s.name), count(s.name) FILTER (WHERE s.outcome = 'failed'))"
      "  FROM amt.job_attempt a JOIN amt.job j ON j.id = a.job"
      "  LEFT JOIN amt.job_step s ON s.job = a.job AND s.attempt = a.attempt WHERE a.outcome = 'done'"
      " GROUP BY j.uuid, a.job, a.attempt"
      " HAVING count(s.name) = 0 OR count(s.name) FILTER (WHERE s.outcome = 'failed') > 0" },
    { "only one service point at a time worked on a computer",
      "SELECT a.uuid, format('jobs %s and %s ran at the same time', a.id, b.id) FROM amt.job a"
      "  JOIN amt.job b ON b.uuid = a.uuid AND b.id > a.id AND b.started_at < a.finished_at" },
};

/* ---- rows ------------------------------------------------------------------------------------------ */

/* Cuts "a | b | c" in place; false when there are not that many fields. */
static bool split(char *row, char *fields[], size_t wanted)
{
    for (size_t i = 0; i < wanted; i++) {
        char *end = strstr(row, " | ");

        fields[i] = row;
        if (!end)
            return i + 1 == wanted;
        if (i + 1 < wanted) {
            *end = '\0';
            row = end + 3;
        }
    }
    return true;
}

bool records_audit(struct sql *sql, struct findings *findings, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        AUTO(text_free) char *table = NULL;
        char *fields[COLUMNS_MAX], *rest, *row;

        if (!sql_table(sql, &table, err, rules[i].query))
            return error_during(err, "asking whether %s", rules[i].rule);
        rest = table;
        while ((row = strsep(&rest, "\n")) && *row) {
            if (split(row, fields, 2))
                finding_add(findings, fields[0], "%s", fields[1]);
        }
    }
    return true;
}

static void add_row(struct audited_list *list, char *const fields[])
{
    struct audited *added;

    list->items = reallocate(list->items, list->count + 1, sizeof(*list->items));
    added = &list->items[list->count++];
    *added = (struct audited){ .uuid = text_copy(fields[0]),
                               .fqdn = text_copy(fields[1]),
                               .address = text_copy(fields[2]),
                               .firmware_version = text_copy(fields[3]),
                               .mebx_policy = text_copy(fields[4]),
                               .fingerprint_hex = text_copy(fields[5]),
                               .others_hex = text_copy(fields[6]),
                               .tls = text_copy(fields[7]) };
}

bool records_list(struct sql *sql, struct audited_list *list, struct error *err)
{
    AUTO(text_free) char *table = NULL;
    char *fields[COLUMNS_MAX], *rest, *row;

    if (!sql_table(
            sql, &table, err,
            "SELECT c.uuid, c.fqdn, coalesce(c.address, ''), coalesce(c.firmware_version, ''),"
            "       p.mebx_password, coalesce(max(t.fingerprint) FILTER (WHERE t.usage = 'server'), ''),"
            "       coalesce(string_agg(t.fingerprint, ' ') FILTER (WHERE t.usage <> 'server'), ''),"
            "       CASE WHEN p.changed_at < (SELECT max(j.requested_at) FROM amt.job j WHERE j.uuid = c.uuid"
            "         AND j.kind IN ('provision', 'update') AND j.state = 'done') THEN p.tls ELSE '' END"
            "  FROM amt.computer c JOIN amt.profile p ON p.name = c.profile"
            "  LEFT JOIN amt.certificate t ON t.uuid = c.uuid AND t.state = 'active'"
            " WHERE NOT c.blocked GROUP BY c.uuid, c.fqdn, c.address, c.firmware_version, p.mebx_password,"
            "       p.changed_at, p.tls"
            " ORDER BY c.fqdn"))
        return false;
    rest = table;
    while ((row = strsep(&rest, "\n")) && *row) {
        if (!split(row, fields, 8))
            return error_set(err, ERROR_PROTOCOL, "the database answered \"%s\"", row);
        add_row(list, fields);
    }
    return true;
}

void audited_list_clear(struct audited_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct audited *each = &list->items[i];

        free(each->uuid);
        free(each->fqdn);
        free(each->address);
        free(each->firmware_version);
        free(each->mebx_policy);
        free(each->fingerprint_hex);
        free(each->others_hex);
        free(each->tls);
    }
    free(list->items);
    *list = (struct audited_list){ 0 };
}
