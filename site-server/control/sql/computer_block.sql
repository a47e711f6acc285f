-- Blocks computer $1 for the reason $2.
SELECT amt.block($1::uuid, $2::text)::text
