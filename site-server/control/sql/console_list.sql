-- Certificates of consoles, newest first.
SELECT name, holder, CASE WHEN good THEN 'good' WHEN revoked_at IS NOT NULL THEN 'revoked' ELSE 'ended' END AS state, issuer,
       serial, date_trunc('second', not_before)::text AS not_before, date_trunc('second', not_after)::text AS not_after,
       date_trunc('second', issued_at)::text AS issued_at, issued_by, date_trunc('second', revoked_at)::text AS revoked_at
  FROM amt.console_certificate
 ORDER BY console_certificate.issued_at DESC, serial
