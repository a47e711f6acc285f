-- The internal authority that issues, as announced with $1.
SELECT fingerprint, certificate, key_id, nonce, ciphertext FROM amt.authority_read($1::bigint)
