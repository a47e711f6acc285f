-- Adds account $1 with user name $2 at position $3 (NULL: last) and the sealed password $4, $5, $6.
SELECT amt.account_add($1::text, $2::text, $3::text::integer, ROW($4::text, $5::bytea, $6::bytea, NULL)::amt.sealed)::text
