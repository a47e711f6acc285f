-- One job.
SELECT id::text, uuid::text, fqdn, kind, state, attempt::text, failures::text, service_point, reason_code, reason,
       date_trunc('second', requested_at)::text AS requested_at, requested_by,
       date_trunc('second', not_before)::text AS not_before, date_trunc('second', leased_until)::text AS leased_until,
       date_trunc('second', started_at)::text AS started_at, date_trunc('second', finished_at)::text AS finished_at
  FROM amt.job
 WHERE id = $1::bigint
