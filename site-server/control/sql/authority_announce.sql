-- Writes into the audit that the authority's key will be read, for the certificate of $1.
SELECT amt.authority_announce($1::text) AS announcement
