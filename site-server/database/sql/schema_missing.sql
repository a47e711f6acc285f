-- schema_missing: the lowest of the versions $1 that was not applied; 0: all were.
SELECT coalesce(min(n.version), 0) AS missing
  FROM unnest($1::bigint[]) AS n (version)
 WHERE NOT EXISTS (SELECT FROM amt.schema_version v WHERE v.version = n.version)
