-- hello_facts: what decides about the Hellos of computers $1 that trust the roots $2 (texts separated by blanks), from
-- addresses $3, heard by service points $4.
-- Unknown computers are left out. The rows stay locked, so that nobody changes what was judged.
SELECT g.ordinal, c.blocked, c.managed_in_band, c.auto_reprovision, c.amt_status, c.reason_code,
       extract(epoch FROM now() - c.provisioned_at)::bigint AS provisioned_ago_s,
       -- Only jobs that a Hello can bring to their turn count as waiting.
       (SELECT j.state FROM amt_store.job j
         WHERE j.uuid = c.uuid AND (j.state = 'leased' OR (j.state = 'waiting' AND j.kind IN ('provision', 'discover')))) AS job_state,
       EXISTS (SELECT FROM amt_store.unprovisioned u WHERE u.uuid = c.uuid) AS unprovisioned,
       EXISTS (SELECT FROM amt_store.service_point p
                WHERE p.id = g.service_point AND (p.granted IS NULL OR g.address::inet <<= ANY (p.granted))) AS subnet_granted,
       EXISTS (SELECT FROM amt_store.service_point p
                WHERE p.state = 'approved' AND p.connected_until > now()
                  AND p.root_hashes && string_to_array(g.root_hashes, ' ')) AS root_in_common,
       -- The newest job went through the whole retry list in vain, not long ago, and nothing came to the list since.
       coalesce((SELECT j.state = 'failed' AND j.reason_code = 'no-account-accepted'
                        AND j.finished_at > now() - interval '1 hour'
                        AND NOT EXISTS (SELECT FROM amt_store.account a WHERE a.added_at > j.finished_at)
                        AND NOT EXISTS (SELECT FROM amt_store.secret s WHERE s.uuid = c.uuid AND s.kind = 'admin'
                                           AND s.state = 'imported' AND s.created_at > j.finished_at)
                   FROM amt_store.job j WHERE j.uuid = c.uuid ORDER BY j.id DESC LIMIT 1), false) AS accounts_exhausted
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY
       AS g (uuid, root_hashes, address, service_point, ordinal)
  JOIN amt_store.computer c ON c.uuid = g.uuid
 ORDER BY c.uuid
   FOR NO KEY UPDATE OF c
