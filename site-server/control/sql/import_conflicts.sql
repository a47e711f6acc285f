-- Of the computers with UUIDs $2 and FQDNs $3 of the lines $1, those whose FQDN belongs to another computer.
SELECT l.line, l.fqdn, c.uuid::text AS holder
  FROM unnest($1::bigint[], $2::uuid[], $3::text[]) AS l (line, uuid, fqdn)
  JOIN amt.computer c ON lower(c.fqdn) = l.fqdn AND c.uuid <> l.uuid
 ORDER BY l.line
