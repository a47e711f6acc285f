-- job_complete: job $1 is done, its computer provisioned.
WITH done AS (
    UPDATE amt_store.job
       SET state = 'done', reason_code = NULL, reason = NULL, leased_until = NULL, finished_at = now()
     WHERE id = $1::bigint AND state = 'leased'
    RETURNING uuid
)
UPDATE amt_store.computer c SET amt_status = 3, reason_code = NULL, reason = NULL, provisioned_at = now()
  FROM done d WHERE c.uuid = d.uuid
