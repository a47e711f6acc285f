-- revocations_of: what the next list of authority $1 names. One whose certificate has ended stays until a list was made
-- after that end (RFC 5280 3.3).
SELECT r.serial, r.reason, r.revoked_at, coalesce(l.number, 0) AS number
  FROM amt_store.authority a LEFT JOIN amt_store.revocation_list l ON l.authority = a.fingerprint
  LEFT JOIN amt_store.revocation r
         ON r.authority = a.fingerprint AND (r.published_at IS NULL OR r.not_after > l.this_update)
 WHERE a.fingerprint = $1::text
 ORDER BY r.id
