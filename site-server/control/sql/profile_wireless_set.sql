-- Wireless profile $2 of profile $1: settings $3, trusted root $4 (DER), sealed password $5, $6, $7; all NULL: the one
-- that is there.
SELECT amt.profile_wireless_set($1::text, $2::text, $3::text::jsonb, $4::bytea,
           CASE WHEN $5::text IS NULL THEN NULL ELSE ROW($5, $6::bytea, $7::bytea, NULL)::amt.sealed END)::text
