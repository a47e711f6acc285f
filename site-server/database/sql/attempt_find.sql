-- attempt_find: attempt $2 of job $1; the job stays locked.
SELECT j.uuid, j.kind, j.state, j.attempt AS newest, j.failures, a.service_point, a.outcome, a.accounts_offered,
       a.admin_secret, a.admin_was_maybe, a.mebx_secret, a.mebx_was_maybe, c.firmware_version
  FROM amt_store.job j JOIN amt_store.job_attempt a ON a.job = j.id JOIN amt_store.computer c ON c.uuid = j.uuid
 WHERE j.id = $1::bigint AND a.attempt = $2::bigint
   FOR NO KEY UPDATE OF j, a
