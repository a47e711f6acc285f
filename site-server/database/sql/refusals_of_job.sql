-- refusals_of_job: what computer $1 refused in job $2.
SELECT DISTINCT reference FROM amt_store.account_refused
 WHERE uuid = $1::uuid AND job = $2::bigint AND NOT assumed
