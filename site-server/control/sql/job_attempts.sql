-- The attempts of a job.
SELECT attempt::text, service_point, outcome, reason_code, reason, account_used,
       array_to_json(accounts_offered)::text AS accounts_offered,
       array_to_json(accounts_refused)::text AS accounts_refused, device_fingerprint,
       array_to_json(settings)::text AS settings, date_trunc('second', leased_at)::text AS leased_at,
       date_trunc('second', closed_at)::text AS closed_at
  FROM amt.job_attempt
 WHERE job = $1::bigint
 ORDER BY amt.job_attempt.attempt
