-- Alarms, newest first; those acknowledged only if $1.
SELECT id::text, fqdn, code, address, count::text, date_trunc('second', raised_at)::text AS raised_at,
       date_trunc('second', last_at)::text AS last_at, text, uuid::text,
       date_trunc('second', acknowledged_at)::text AS acknowledged_at, acknowledged_by
  FROM amt.alarm
 WHERE $1::boolean OR acknowledged_at IS NULL
 ORDER BY last_at DESC, id DESC
