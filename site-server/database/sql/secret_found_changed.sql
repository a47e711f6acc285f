-- secret_found_changed: job $3 was not permitted to set MEBx password $2 of computer $1, which an attempt of it may have set
-- before its result was lost; the firmware says that its password is not the factory's any more. Where the site knows no
-- other, it is this one. Where another one is active, and the computer was provisioned all the time, that one is still in
-- force: what is not permitted now was not permitted to the attempt before. Otherwise nobody knows; it stays pending.
WITH others AS (
    SELECT coalesce(bool_or(o.state = 'active'), false) AS active, count(*) > 0 AS known
      FROM amt_store.secret o
     WHERE o.uuid = $1::uuid AND o.kind = 'mebx' AND o.id <> $2::bigint AND o.state IN ('active', 'imported')
)
UPDATE amt_store.secret s
   SET state = CASE WHEN o.known THEN s.state ELSE 'active' END,
       activated_at = CASE WHEN o.known THEN s.activated_at ELSE now() END,
       maybe_on_device = NOT (o.active AND k.wants_provisioned AND s.created_at >= j.requested_at)
  FROM others o, amt_store.job j JOIN amt_store.job_kind k USING (kind)
 WHERE s.id = $2::bigint AND s.uuid = $1::uuid AND s.state = 'pending' AND j.id = $3::bigint
