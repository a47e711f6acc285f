-- job_set_back: jobs $1, now in states $2, go to states $3 for reasons $4 and $5, wait for $6 seconds unless a Hello ends
-- that ($7), have failed $8 times. Their computers get status $9 (NULL: as it is) and, where $10, the reason; one that is
-- held as provisioned remains so when a job of another kind than provision fails. A false Hello said a false address.
WITH given AS (
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::boolean[],
                         $8::bigint[], $9::bigint[], $10::boolean[])
           AS g (job, state_before, state, reason_code, reason, delay_s, hello_ends_wait, failures, amt_status, concerns)
), moved AS (
    UPDATE amt_store.job j
       SET state = g.state, reason_code = g.reason_code, reason = g.reason, failures = g.failures,
           not_before = now() + g.delay_s * interval '1 second', hello_ends_wait = g.hello_ends_wait,
           leased_until = NULL, finished_at = CASE WHEN g.state = 'failed' THEN now() END
      FROM given g
     WHERE j.id = g.job AND j.state = g.state_before
    RETURNING j.uuid, j.kind, g.amt_status, g.reason_code, g.reason, g.concerns
)
UPDATE amt_store.computer c
   SET amt_status = coalesce(m.amt_status, c.amt_status), reason_code = m.reason_code, reason = m.reason,
       address = CASE WHEN m.reason_code = 'false-hello' THEN c.proven_address ELSE c.address END
  FROM moved m
 WHERE c.uuid = m.uuid AND m.concerns AND (m.kind = 'provision' OR c.amt_status IS DISTINCT FROM 3)
