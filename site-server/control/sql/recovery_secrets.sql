-- Those of computers $1 that are known, with their sealed passwords.
SELECT r.uuid, r.id, r.kind, r.state, r.created_at, r.activated_at, r.uuid || '|' || r.kind AS associated_data, r.key_id,
       r.nonce, r.ciphertext
  FROM amt.recovery_secrets($1::uuid[]) AS r
