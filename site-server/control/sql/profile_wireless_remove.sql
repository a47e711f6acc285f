-- Removes wireless profile $2 of profile $1.
SELECT amt.profile_wireless_remove($1::text, $2::text)::text
