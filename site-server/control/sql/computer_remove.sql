-- Forgets computer $1; $2: its passwords too.
SELECT amt.remove_computer($1::uuid, $2::boolean)::text
