-- Computers that say Hello and were never imported, at most $1.
SELECT uuid::text, address, service_point, count::text, date_trunc('second', first_seen)::text AS first_seen,
       date_trunc('second', last_seen)::text AS last_seen, array_to_json(root_hashes)::text AS root_hashes
  FROM amt.unknown_hello
 ORDER BY last_seen DESC
 LIMIT $1::text::bigint
