-- revocations_due: at most $2 revocations that authority $1 (CMP) has to be told of now.
SELECT id, certificate, reason FROM amt_store.revocation
 WHERE authority = $1::text AND published_at IS NULL AND try_at <= now()
 ORDER BY try_at, id
 LIMIT $2::bigint
