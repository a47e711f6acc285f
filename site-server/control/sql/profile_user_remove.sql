-- Removes user $2 of profile $1.
SELECT amt.profile_user_remove($1::text, $2::text)::text
