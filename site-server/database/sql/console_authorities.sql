-- console_authorities: internal authorities that computers may trust, their keys sealed; the one that issues now first. Only
-- while one issues: otherwise certificates come from elsewhere.
SELECT a.fingerprint, a.certificate, a.key_id, a.nonce, a.ciphertext
  FROM amt_store.authority a
 WHERE a.kind = 'internal' AND a.not_after > now()
   AND EXISTS (SELECT FROM amt_store.authority i WHERE i.kind = 'internal' AND i.state = 'active')
 ORDER BY a.state, a.created_at DESC
 LIMIT $1::bigint
