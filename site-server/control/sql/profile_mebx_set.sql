-- The shared MEBx password of profile $1.
SELECT amt.profile_mebx_set($1::text, ROW($2::text, $3::bytea, $4::bytea, NULL)::amt.sealed)::text
