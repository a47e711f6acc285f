-- The authorities, the one that issues first.
SELECT a.subject, i.kind, a.state, a.fingerprint, date_trunc('second', a.not_before)::text AS not_before,
       date_trunc('second', a.not_after)::text AS not_after, date_trunc('second', a.created_at)::text AS created_at,
       a.created_by, floor(extract(epoch FROM a.not_after - now()) / 86400)::bigint::text AS days_left,
       floor(extract(epoch FROM a.not_after - now()))::bigint AS seconds_left, a.certificate
  FROM amt.authority a JOIN amt.issuer i USING (fingerprint)
 ORDER BY a.state = 'active' DESC, a.created_at DESC
