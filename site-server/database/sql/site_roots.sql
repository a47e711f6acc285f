-- site_roots: roots of the provisioning certificates that the connected service points have, separated by blanks.
SELECT coalesce(string_agg(DISTINCT h.hash, ' '), '') AS root_hashes
  FROM amt_store.service_point p CROSS JOIN unnest(p.root_hashes) AS h (hash)
 WHERE p.state = 'approved' AND p.connected_until > now()
