-- console_issued: certificates of service point $1 for the key with fingerprint $2 that have more than half of their life to
-- come, the latest of each authority.
SELECT DISTINCT ON (c.authority) c.authority, c.certificate
  FROM amt_store.console_certificate c
 WHERE c.service_point = $1::bigint AND c.key_fingerprint = $2::bytea AND c.revoked_at IS NULL
   AND c.not_after - now() > (c.not_after - c.not_before) / 2
 ORDER BY c.authority, c.not_after DESC
