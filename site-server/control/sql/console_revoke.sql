-- Revokes the certificates of the console called $1.
SELECT amt.console_certificate_revoke($1::text) AS revoked
