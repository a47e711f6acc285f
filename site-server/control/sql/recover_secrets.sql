-- Stores passwords of an escrow journal, oldest first: computers $1, kinds $2, times $3 (milliseconds since 1970), then key,
-- nonce and ciphertext ($4 to $6).
SELECT g.ordinal, amt.recover_secret(g.uuid, g.kind, to_timestamp(g.at / 1000.0), ROW(g.key_id, g.nonce, g.ciphertext, NULL)::amt.sealed) AS id
  FROM (SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[])
               WITH ORDINALITY AS v (uuid, kind, at, key_id, nonce, ciphertext, ordinal) ORDER BY ordinal OFFSET 0) AS g
