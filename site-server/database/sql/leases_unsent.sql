-- leases_unsent: jobs $1, attempts $2 whose offers to service points $3 did not go out, as far as they are still held for
-- them and nobody took them up.
SELECT j.id, j.attempt, j.failures, false AS accepted
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS g (job, attempt, service_point)
  JOIN amt_store.job j ON j.id = g.job AND j.attempt = g.attempt AND j.service_point = g.service_point
  JOIN amt_store.job_attempt a ON a.job = j.id AND a.attempt = j.attempt
 WHERE j.state = 'leased' AND a.accepted_at IS NULL
 ORDER BY j.id
   FOR NO KEY UPDATE OF j
