-- Makes an authority the one that issues: fingerprint $1, subject $2, serial $3, certificate $4, validity $5 and $6
-- in seconds since 1970, key sealed as $7, $8, $9.
SELECT amt.authority_set($1::text, $2::text, $3::text, $4::bytea, to_timestamp($5::bigint), to_timestamp($6::bigint),
                         ROW($7::text, $8::bytea, $9::bytea, NULL)::amt.sealed)::text
