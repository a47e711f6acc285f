-- The trusted names of profile $1 are $2.
SELECT amt.profile_trusted_names_set($1::text, $2::text[])::text
