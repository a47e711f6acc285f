-- secrets_of: the passwords of computers $1, each computer's newest first.
SELECT s.id, s.uuid, s.kind, s.state, s.maybe_on_device, s.key_id, s.nonce, s.ciphertext
  FROM amt_store.secret s
 WHERE s.uuid = ANY ($1::uuid[]) AND s.kind IN ('admin', 'mebx')
 ORDER BY s.uuid, coalesce(s.activated_at, s.created_at) DESC, s.id DESC
