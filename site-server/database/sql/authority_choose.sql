-- authority_choose: authority $1 issues from now on; NULL: the internal one that was made last. The other one was retired.
UPDATE amt_store.authority SET state = 'active'
 WHERE state <> 'active'
   AND fingerprint = coalesce($1::text, (SELECT a.fingerprint FROM amt_store.authority a WHERE a.kind = 'internal'
                                          ORDER BY a.created_at DESC LIMIT 1))
