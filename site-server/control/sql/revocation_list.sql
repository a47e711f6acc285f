-- The newest revocation list of the internal authority that issued last.
SELECT l.name, l.issuer, l.number::text, date_trunc('second', l.this_update)::text AS this_update,
       date_trunc('second', l.next_update)::text AS next_update, l.entries::text, l.list
  FROM amt.revocation_list l JOIN amt.issuer i ON left(i.fingerprint, 16) = l.name
 ORDER BY i.state = 'active' DESC, i.created_at DESC
