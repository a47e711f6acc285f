-- directory_objects_unwanted: at most $1 objects to be removed, each tried again after a pause that grows to $2 seconds; those
-- tried longest ago first.
SELECT o.uuid, o.fqdn, o.guid
  FROM amt_store.directory_object o
 WHERE NOT o.wanted
   AND (o.tried_at IS NULL OR o.failures = 0
        OR o.tried_at < now() - least($2::bigint, 5 * power(2, least(o.failures, 20))) * interval '1 second')
 ORDER BY o.tried_at NULLS FIRST
 LIMIT $1::bigint
