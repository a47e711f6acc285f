-- Seals values anew: places $1, names $2, former nonces $3, then key, nonce and ciphertext ($4 to $6), and marks
-- of imported passwords ($7). Counts those that nobody changed meanwhile.
SELECT count(*) FILTER (WHERE replaced) AS replaced
  FROM (SELECT amt.sealed_replace(place, id, former, ROW(key_id, nonce, ciphertext, mark)::amt.sealed) AS replaced
          FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[])
               AS v (place, id, former, key_id, nonce, ciphertext, mark)
        OFFSET 0) AS sealed
