-- directory_secret: the password of computer $1 in the directory: the pending one, which the directory may have already, or
-- else the active one.
SELECT s.id, s.state, s.key_id, s.nonce, s.ciphertext
  FROM amt_store.secret s
 WHERE s.uuid = $1::uuid AND s.kind = 'directory' AND s.state IN ('pending', 'active')
 ORDER BY s.state = 'pending' DESC
 LIMIT 1
