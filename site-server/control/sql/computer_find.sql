-- The computer with UUID $1 or FQDN $2; the other one is NULL.
SELECT uuid, fqdn
  FROM amt.computer
 WHERE uuid = $1::uuid OR lower(fqdn) = lower($2::text)
