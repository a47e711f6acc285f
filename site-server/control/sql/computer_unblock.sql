-- Ends the blocking of computer $1.
SELECT amt.unblock($1::uuid)::text
