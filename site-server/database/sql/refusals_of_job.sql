-- refusals_of_job: what computer $1 refused in job $2; but for new passwords that a later attempt, which never reported, may
-- have set. jobs_lock says the same.
SELECT DISTINCT r.reference FROM amt_store.account_refused r
 WHERE r.uuid = $1::uuid AND r.job = $2::bigint AND NOT r.assumed
   AND NOT EXISTS (SELECT FROM amt_store.job_attempt l
                    WHERE l.job = r.job AND l.attempt > r.attempt AND l.outcome = 'lease-over' AND l.accepted_at IS NOT NULL
                      AND r.reference IN ('secret:' || l.admin_secret, 'secret:' || l.mebx_secret))
