-- attempts_lost: attempts $2 of jobs $1 ended without a word. Unless a later step shows that an account was accepted, each
-- one that was offered may have been refused, three at most: they count for the firmware's lock-out.
WITH lost AS (
    UPDATE amt_store.job_attempt a
       SET closed_at = now(), outcome = 'lease-over', reason_code = 'lease-over',
           reason = CASE WHEN a.accepted_at IS NULL THEN 'the service point did not answer the offer'
                         ELSE 'the service point did not report in time' END
      FROM unnest($1::bigint[], $2::bigint[]) AS g (job, attempt)
     WHERE a.job = g.job AND a.attempt = g.attempt AND a.closed_at IS NULL
    RETURNING a.job, a.attempt, a.accepted_at, a.accounts_offered
)
INSERT INTO amt_store.account_refused (uuid, job, attempt, reference, assumed)
SELECT j.uuid, l.job, l.attempt, r.reference, true
  FROM lost l
  JOIN amt_store.job j ON j.id = l.job
 CROSS JOIN unnest(l.accounts_offered[1:3]) AS r (reference)
 WHERE l.accepted_at IS NOT NULL
   AND NOT EXISTS (SELECT FROM amt_store.job_step s
                    WHERE s.job = l.job AND s.attempt = l.attempt AND s.number >= 'O6')
    ON CONFLICT DO NOTHING
