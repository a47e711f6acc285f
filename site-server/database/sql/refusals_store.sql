-- refusals_store: computer $1 refused accounts $4 in job $2, attempt $3. What was assumed about this attempt is known now,
-- what is older than the firmware's memory is forgotten.
WITH known AS (
    DELETE FROM amt_store.account_refused
     WHERE uuid = $1::uuid
       AND ((job = $2::bigint AND attempt = $3::bigint AND assumed AND reference <> ALL ($4::text[]))
            OR (job <> $2::bigint AND refused_at < now() - interval '1 hour'))
)
INSERT INTO amt_store.account_refused (uuid, job, attempt, reference)
SELECT DISTINCT $1::uuid, $2::bigint, $3::integer, r.reference FROM unnest($4::text[]) AS r (reference)
    ON CONFLICT (uuid, job, attempt, reference) DO UPDATE SET assumed = false, refused_at = now()
