-- Removes profile $1, which no computer has.
SELECT amt.profile_remove($1::text)::text
