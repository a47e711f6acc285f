-- revocation_told: the authority was told of revocation $1, and took it, or did not for $2, $3: it is told again, at the
-- latest after an hour.
UPDATE amt_store.revocation
   SET attempts = attempts + 1, published_at = CASE WHEN $2::text IS NULL THEN now() END,
       try_at = now() + least(interval '1 hour', interval '15 seconds' * power(2, least(attempts, 10))),
       problem_code = $2::text, problem = $3::text
 WHERE id = $1::bigint
