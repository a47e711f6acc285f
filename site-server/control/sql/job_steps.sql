-- The steps of all attempts of a job.
SELECT attempt::text, sequence::text, number, name, outcome, round(extract(epoch FROM took), 3)::text AS took_s,
       reason_code, detail, started_at::text, finished_at::text
  FROM amt.job_step
 WHERE job = $1::bigint
 ORDER BY amt.job_step.attempt, amt.job_step.sequence
