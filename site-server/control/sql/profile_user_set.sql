-- User $2 of profile $1: realm numbers $3, access $4, SID $5 or the sealed password
-- $6, $7, $8; all NULL: the one that is there.
SELECT amt.profile_user_set($1::text, $2::text,
           ARRAY(SELECT name FROM amt.realm WHERE number = ANY ($3::bigint[])), $4::text,
           CASE WHEN $6::text IS NULL THEN NULL
                ELSE ROW($6, $7::bytea, $8::bytea, NULL)::amt.sealed END,
           $5::text)::text
