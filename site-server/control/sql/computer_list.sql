-- Computers, with filters that are NULL when not wanted: status $1, reason $2, profile $3, part of a name or
-- address $4, at most $5 rows.
SELECT uuid::text, short_name, fqdn, mac::text, address, amt_status::text, amt_status_name, reason_code, reason,
       firmware_version, date_trunc('second', provisioned_at)::text AS provisioned_at, profile, blocked::text,
       managed_in_band::text, auto_reprovision::text, date_trunc('second', last_hello_at)::text AS last_hello_at,
       date_trunc('second', imported_at)::text AS imported_at, last_job::text,
       date_trunc('second', certificate_not_after)::text AS certificate_not_after
  FROM amt.computer
 WHERE ($1::text IS NULL OR amt_status_name = $1 OR amt_status::text = $1)
   AND ($2::text IS NULL OR reason_code = $2)
   AND ($3::text IS NULL OR profile = $3)
   AND ($4::text IS NULL OR position(lower($4) IN concat_ws(' ', uuid::text, lower(short_name), lower(fqdn), address)) > 0)
 ORDER BY lower(fqdn)
 LIMIT $5::text::bigint
