-- Records the console certificate of $1: authority $2, serial $3, fingerprint of the key $4, fingerprint $5, DER $6, valid from
-- $7 to $8 (seconds since 1970).
SELECT amt.console_certificate_add($1::text, $2::text, $3::text, $4::bytea, $5::text, $6::bytea, to_timestamp($7::bigint),
                                   to_timestamp($8::bigint))::text
