-- console_store: service point $1 called $2 gets a certificate of authority $3: serial $4, for the key with fingerprint $5,
-- fingerprint $6, DER $7, valid from $8 to $9 (seconds since 1970). Those that ended long ago go.
WITH gone AS (
    DELETE FROM amt_store.console_certificate c WHERE c.not_after < now() - interval '90 days'
)
INSERT INTO amt_store.console_certificate (service_point, name, authority, serial, key_fingerprint, fingerprint, certificate,
                                           not_before, not_after)
VALUES ($1::bigint, left($2::text, 64), $3::text, $4::text, $5::bytea, $6::text, $7::bytea, to_timestamp($8::bigint),
        to_timestamp($9::bigint))
