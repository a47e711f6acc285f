-- Internal authorities whose certificates are in use, and how long their revocation lists are good.
SELECT i.subject, l.number::text, floor(extract(epoch FROM l.next_update - now()))::bigint AS seconds_left
  FROM amt.issuer i LEFT JOIN amt.revocation_list l ON l.name = left(i.fingerprint, 16)
 WHERE i.kind = 'internal' AND i.not_after > now()
 ORDER BY i.created_at
