-- Gives computer $1 profile $2.
SELECT amt.set_profile_of($1::uuid, $2::text)::text
