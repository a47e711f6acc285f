-- Wired 802.1X of profile $1: settings $2, trusted root $3 (DER), sealed password $4, $5, $6; all NULL: the one that is
-- there.
SELECT amt.profile_wired_8021x_set($1::text, $2::text::jsonb, $3::bytea,
           CASE WHEN $4::text IS NULL THEN NULL ELSE ROW($4, $5::bytea, $6::bytea, NULL)::amt.sealed END)::text
