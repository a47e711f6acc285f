-- certificate_store: records a certificate before it is answered: job $1, attempt $2, authority $3, serial $4,
-- name $5, fingerprints of key $6 and certificate $7, DER $8, validity $9 to $10, renewal at $11 (seconds since 1970),
-- usage $12.
INSERT INTO amt_store.certificate
       (uuid, job, attempt, authority, serial, fqdn, key_fingerprint, fingerprint, certificate, state,
        not_before, not_after, renew_at, usage)
SELECT j.uuid, j.id, $2::integer, $3::text, $4::text, $5::text, $6::bytea, $7::text, $8::bytea, 'pending',
       to_timestamp($9::bigint), to_timestamp($10::bigint), to_timestamp($11::bigint),
       $12::text
  FROM amt_store.job j WHERE j.id = $1::bigint
    ON CONFLICT (job, key_fingerprint, fqdn, usage) WHERE state <> 'revoked' DO UPDATE
   SET authority = EXCLUDED.authority, serial = EXCLUDED.serial, fingerprint = EXCLUDED.fingerprint,
       certificate = EXCLUDED.certificate, state = 'pending', not_before = EXCLUDED.not_before,
       not_after = EXCLUDED.not_after, renew_at = EXCLUDED.renew_at, issued_at = now(), attempt = EXCLUDED.attempt
RETURNING uuid
