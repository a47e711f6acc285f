-- job_complete: job $1 is done; its computer has status $2 (negative: as it is) for reason $3, $4 (NULL: none is needed).
WITH done AS (
    UPDATE amt_store.job
       SET state = 'done', reason_code = NULL, reason = NULL, leased_until = NULL, finished_at = now()
     WHERE id = $1::bigint AND state = 'leased'
    RETURNING uuid, kind
)
UPDATE amt_store.computer c
   SET amt_status = CASE WHEN $2::bigint < 0 THEN c.amt_status ELSE $2::bigint END, reason_code = $3::text, reason = $4::text,
       provisioned_at = CASE WHEN d.kind = 'provision' THEN now() ELSE c.provisioned_at END,
       proven_address = CASE WHEN d.kind IN ('unprovision', 'unprovision-partially') THEN NULL
                             WHEN d.kind = 'discover' THEN c.proven_address ELSE c.address END
  FROM done d WHERE c.uuid = d.uuid
