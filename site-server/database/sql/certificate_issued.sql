-- certificate_issued: the certificate that job $1 got for the key with fingerprint $2, the name $3 and the usage $4 from
-- authority $5, or NULL: from any.
SELECT certificate FROM amt_store.certificate
 WHERE job = $1::bigint AND key_fingerprint = $2::bytea AND fqdn = $3::text AND usage = $4::text
   AND state <> 'revoked' AND not_after > now() AND ($5::text IS NULL OR authority = $5::text)
