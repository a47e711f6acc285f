-- The last jobs of a computer, newest first.
SELECT id::text, kind, state, attempt::text, service_point, reason_code, reason,
       date_trunc('second', requested_at)::text AS requested_at, requested_by,
       date_trunc('second', finished_at)::text AS finished_at
  FROM amt.job
 WHERE uuid = $1::uuid
 ORDER BY id DESC
 LIMIT 10
