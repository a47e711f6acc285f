-- hello_jobs_void: computers $1 say Hello, so their provisioning was removed: what waits for provisioned ones ends, for
-- reasons $2, $3.
UPDATE amt_store.job j
   SET state = 'failed', reason_code = $2::text, reason = $3::text, finished_at = now()
  FROM amt_store.job_kind k
 WHERE j.uuid = ANY ($1::uuid[]) AND j.state = 'waiting' AND k.kind = j.kind AND k.wants_provisioned
