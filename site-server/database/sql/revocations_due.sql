-- revocations_due: at most $1 revocations that the authority elsewhere has to be told of now, also those of its former
-- certificate.
SELECT r.id, r.certificate, r.reason
  FROM amt_store.revocation r JOIN amt_store.authority a ON a.fingerprint = r.authority
 WHERE a.kind = 'cmp' AND r.published_at IS NULL AND r.try_at <= now()
 ORDER BY r.try_at, r.id
 LIMIT $1::bigint
