-- Jobs, newest first, with filters that are NULL when not wanted: state $1 ("open": waiting or leased), reason
-- $2, part of a name $3, at most $4 rows.
SELECT id::text, uuid::text, fqdn, kind, state, attempt::text, failures::text, service_point, reason_code, reason,
       date_trunc('second', requested_at)::text AS requested_at, requested_by,
       date_trunc('second', not_before)::text AS not_before, date_trunc('second', leased_until)::text AS leased_until,
       date_trunc('second', started_at)::text AS started_at, date_trunc('second', finished_at)::text AS finished_at
  FROM amt.job
 WHERE ($1::text IS NULL OR state = $1 OR ($1 = 'open' AND state IN ('waiting', 'leased')))
   AND ($2::text IS NULL OR reason_code = $2)
   AND ($3::text IS NULL OR position(lower($3) IN concat_ws(' ', uuid::text, lower(fqdn))) > 0)
 ORDER BY amt.job.id DESC
 LIMIT $4::text::bigint
