-- Writes into the audit that secret $2 of computer $1 will be read.
SELECT amt.secret_announce($1::uuid, $2::text) AS announcement
