-- authority_active: the internal authority that issues now, its key sealed.
SELECT fingerprint, certificate, key_id, nonce, ciphertext
  FROM amt_store.authority WHERE state = 'active' AND kind = 'internal'
