-- Which of the jobs $1 have ended.
SELECT id, fqdn, state, reason
  FROM amt.job
 WHERE id = ANY ($1::bigint[]) AND state IN ('done', 'failed', 'cancelled')
 ORDER BY amt.job.id
