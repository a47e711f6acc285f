-- secrets_propose: new pending passwords of computers $1, kinds $2, sealed: keys $3, nonces $4, ciphertexts $5.
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[]) WITH ORDINALITY
           AS g (uuid, kind, key_id, nonce, ciphertext, ordinal)
), added AS (
    INSERT INTO amt_store.secret (uuid, kind, state, maybe_on_device, key_id, nonce, ciphertext)
    SELECT uuid, kind, 'pending', false, key_id, nonce, ciphertext FROM given
    RETURNING id, uuid, kind
)
SELECT g.ordinal, a.id FROM given g JOIN added a USING (uuid, kind)
