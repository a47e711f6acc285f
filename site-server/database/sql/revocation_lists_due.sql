-- revocation_lists_due: internal authorities whose list has to be made now, because there is none yet, a revocation is on
-- none, or less than $1 seconds of the last one are left. Locked: of several site servers one makes it.
SELECT a.fingerprint, a.certificate, a.key_id, a.nonce, a.ciphertext
  FROM amt_store.authority a LEFT JOIN amt_store.revocation_list l ON l.authority = a.fingerprint
 WHERE a.kind = 'internal' AND a.not_after > now()
   AND (l.authority IS NULL OR l.next_update < now() + $1::bigint * interval '1 second'
        OR EXISTS (SELECT FROM amt_store.revocation r WHERE r.authority = a.fingerprint AND r.published_at IS NULL))
   FOR UPDATE OF a SKIP LOCKED
