-- leases_over: jobs whose service point was not heard of in time.
SELECT j.id, j.attempt, j.failures, a.accepted_at IS NOT NULL AS accepted
  FROM amt_store.job j JOIN amt_store.job_attempt a ON a.job = j.id AND a.attempt = j.attempt
 WHERE j.state = 'leased' AND j.leased_until < now()
 ORDER BY j.leased_until LIMIT 1000
   FOR NO KEY UPDATE OF j SKIP LOCKED
