-- Forgets computer $1, which was never provisioned.
SELECT amt.remove_computer($1::uuid)::text
