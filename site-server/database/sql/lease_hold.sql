-- lease_hold: service points $1 work on jobs $2, attempts $3: leased for $4 seconds from now, but not for longer when the
-- attempt began more than $5 seconds ago. Written only when it has become shorter than two thirds of that, so that most
-- heartbeats write nothing.
WITH held AS (
    SELECT j.id, j.attempt
      FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS g (service_point, job, attempt)
      JOIN amt_store.job j ON j.id = g.job AND j.attempt = g.attempt AND j.service_point = g.service_point
      JOIN amt_store.job_attempt a ON a.job = j.id AND a.attempt = j.attempt
     WHERE j.state = 'leased' AND a.leased_at > now() - $5::bigint * interval '1 second'
       AND (a.accepted_at IS NULL OR j.leased_until < now() + $4::bigint * interval '1 second' * 2 / 3)
     ORDER BY j.id FOR NO KEY UPDATE OF j
), accepted AS (
    UPDATE amt_store.job_attempt a SET accepted_at = now()
      FROM held h WHERE a.job = h.id AND a.attempt = h.attempt AND a.accepted_at IS NULL
)
UPDATE amt_store.job j SET leased_until = now() + $4::bigint * interval '1 second'
  FROM held h WHERE j.id = h.id
