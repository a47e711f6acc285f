-- hello_jobs: computers $1, heard by service points $2, get a job, or the one that waits comes to its turn.
INSERT INTO amt_store.job AS j (uuid, kind, requested_by, heard_by)
SELECT g.uuid, 'provision', 'hello', g.service_point
  FROM unnest($1::uuid[], $2::bigint[]) AS g (uuid, service_point)
    ON CONFLICT (uuid) WHERE state IN ('waiting', 'leased') DO UPDATE
   SET heard_by = EXCLUDED.heard_by,
       not_before = CASE WHEN j.hello_ends_wait THEN least(j.not_before, now()) ELSE j.not_before END
 WHERE j.state = 'waiting'
