-- authority_retire: another one than $1 issues no longer; NULL: than the internal one that was made last.
UPDATE amt_store.authority SET state = 'retired'
 WHERE state = 'active'
   AND fingerprint <> coalesce($1::text, (SELECT a.fingerprint FROM amt_store.authority a WHERE a.kind = 'internal'
                                           ORDER BY a.created_at DESC LIMIT 1))
