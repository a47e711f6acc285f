-- steps_store: records steps: service points $1, jobs $2, attempts $3, numbers $4, names $5, outcomes $6, reasons $7,
-- details $8, start $9 and end $10 (milliseconds since 1970). Only of attempts that this service point has or had, and
-- while there are fewer than 256 of an attempt: an honest one has some 30.
WITH given AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
                         $8::text[], $9::bigint[], $10::bigint[])
           AS g (service_point, job, attempt, number, name, outcome, reason_code, detail, started_ms, finished_ms)
), attempts AS MATERIALIZED ( -- steps are counted once for each attempt, not for each step
    SELECT a.job, a.attempt, a.service_point
      FROM (SELECT DISTINCT service_point, job, attempt FROM given) AS d
      JOIN amt_store.job_attempt a
        ON a.job = d.job AND a.attempt = d.attempt AND a.service_point = d.service_point
     WHERE (SELECT count(*) FROM amt_store.job_step s WHERE s.job = a.job AND s.attempt = a.attempt) < 256
)
INSERT INTO amt_store.job_step (job, attempt, number, name, outcome, reason_code, detail, started_at, finished_at)
SELECT g.job, g.attempt, g.number, g.name, g.outcome, g.reason_code, g.detail,
       to_timestamp(g.started_ms / 1000.0), to_timestamp(g.finished_ms / 1000.0)
  FROM given g
  JOIN attempts a ON a.job = g.job AND a.attempt = g.attempt AND a.service_point = g.service_point
    ON CONFLICT DO NOTHING
