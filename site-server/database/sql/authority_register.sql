-- authority_register: an authority that is asked with CMP: fingerprint $1, subject $2, serial $3, DER $4, validity $5 to $6
-- (seconds since 1970).
INSERT INTO amt_store.authority (fingerprint, kind, subject, serial, certificate, state, not_before, not_after, created_by)
VALUES ($1::text, 'cmp', $2::text, $3::text, $4::bytea, 'retired', to_timestamp($5::bigint), to_timestamp($6::bigint),
        session_user)
    ON CONFLICT (fingerprint) DO NOTHING
