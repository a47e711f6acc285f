-- leases_given_up: jobs of service point $1 that it does not run any more: all but jobs $2, attempts $3.
SELECT j.id, j.attempt, j.failures, a.accepted_at IS NOT NULL AS accepted
  FROM amt_store.job j JOIN amt_store.job_attempt a ON a.job = j.id AND a.attempt = j.attempt
 WHERE j.state = 'leased' AND j.service_point = $1::bigint
   AND NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::bigint[]) AS g (job, attempt)
                    WHERE g.job = j.id AND g.attempt = j.attempt)
 ORDER BY j.id
   FOR NO KEY UPDATE OF j
