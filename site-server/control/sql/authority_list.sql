-- The authorities, the one that issues first.
SELECT subject, state, fingerprint, date_trunc('second', not_before)::text AS not_before,
       date_trunc('second', not_after)::text AS not_after, date_trunc('second', created_at)::text AS created_at,
       created_by, floor(extract(epoch FROM not_after - now()) / 86400)::bigint::text AS days_left,
       floor(extract(epoch FROM not_after - now()))::bigint AS seconds_left, certificate
  FROM amt.authority
 ORDER BY state = 'active' DESC, amt.authority.created_at DESC
