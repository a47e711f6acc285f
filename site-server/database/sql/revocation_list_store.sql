-- revocation_list_store: list number $2 of authority $1, valid from $3 to $4 (seconds since 1970), with $5 entries, DER $6.
-- It names the serial numbers $7, which count as published now.
WITH stored AS (
    INSERT INTO amt_store.revocation_list (authority, number, this_update, next_update, entries, list)
    VALUES ($1::text, $2::bigint, to_timestamp($3::bigint), to_timestamp($4::bigint), $5::bigint, $6::bytea)
        ON CONFLICT (authority) DO UPDATE
       SET number = EXCLUDED.number, this_update = EXCLUDED.this_update, next_update = EXCLUDED.next_update,
           entries = EXCLUDED.entries, list = EXCLUDED.list
)
UPDATE amt_store.revocation SET published_at = now() WHERE authority = $1::text AND published_at IS NULL
   AND serial = ANY ($7::text[])
