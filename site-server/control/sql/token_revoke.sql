-- Revokes the token $1.
SELECT amt.token_revoke($1::text)::text
