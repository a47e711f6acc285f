-- attempt_close: attempt $2 of job $1 ended with outcome $3 for reason $4, $5; account $6 was accepted, accounts $7 were
-- refused; the firmware showed the certificate with fingerprint $8 and has the settings $9.
UPDATE amt_store.job_attempt
   SET closed_at = now(), outcome = $3::text, reason_code = $4::text, reason = $5::text, account_used = $6::text,
       accounts_refused = $7::text[], device_fingerprint = $8::bytea, settings = $9::text[],
       accepted_at = CASE WHEN $3::text = 'declined' THEN accepted_at ELSE coalesce(accepted_at, now()) END
 WHERE job = $1::bigint AND attempt = $2::bigint
