-- Makes the token $1 with hash $2 good for $3 days, for computer $4 (NULL: any).
SELECT amt.token_create($1::text, $2::bytea, make_interval(days => $3::bigint::integer), $4::uuid)
