-- hello_jobs_fail: the jobs of computers $1 that wait end for reasons $2, $3, which their Hellos brought to light.
UPDATE amt_store.job j
   SET state = 'failed', reason_code = g.reason_code, reason = g.reason, finished_at = now()
  FROM unnest($1::uuid[], $2::text[], $3::text[]) AS g (uuid, reason_code, reason)
 WHERE j.uuid = g.uuid AND j.state = 'waiting'
