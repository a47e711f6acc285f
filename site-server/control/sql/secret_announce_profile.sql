-- Writes into the audit that the password of user $2 of profile $1 will be read; $$mebx: the shared MEBx one.
SELECT amt.profile_secret_announce($1::text, $2::text) AS announcement
