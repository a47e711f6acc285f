-- Stores a certificate of an escrow journal: computer $1, job $2, attempt $3, authority $4, serial $5, name $6, fingerprints
-- of key $7 and certificate $8, DER $9, validity $10 to $11, renewal at $12 (seconds since 1970), usage $13.
SELECT amt.recover_certificate($1::uuid, $2::bigint, $3::bigint::integer, $4::text, $5::text, $6::text, $7::bytea, $8::text, $9::bytea,
                               to_timestamp($10::bigint), to_timestamp($11::bigint), to_timestamp($12::bigint), $13::text) AS added
