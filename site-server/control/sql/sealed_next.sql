-- At most $2 values that are not sealed with key $1 yet.
SELECT place, id, associated_data, key_id, nonce, ciphertext FROM amt.sealed_next($1::text, $2::bigint::integer)
