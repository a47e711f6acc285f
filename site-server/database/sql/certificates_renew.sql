-- certificates_renew: requests renewal of at most $1 certificates that are due; that of a client for 802.1X is replaced by
-- an update. A computer with an open job comes later; one whose renewal was given up, or whose update was of no use, a day
-- later.
INSERT INTO amt_store.job (uuid, kind, requested_by)
SELECT c.uuid, CASE t.usage WHEN 'client' THEN 'update' ELSE 'renew-certificate' END, 'certificate'
  FROM amt_store.certificate t JOIN amt_store.computer c USING (uuid)
 WHERE t.state = 'active' AND t.renew_at <= now() AND c.amt_status = 3 AND NOT c.blocked AND c.address IS NOT NULL
   AND NOT EXISTS (SELECT FROM amt_store.job j WHERE j.uuid = c.uuid
                      AND (j.state IN ('waiting', 'leased')
                           OR (t.usage = 'server' AND j.kind = 'renew-certificate' AND j.state IN ('failed', 'cancelled')
                               AND j.finished_at > now() - interval '1 day')
                           OR (t.usage = 'client' AND j.kind = 'update' AND j.requested_by = 'certificate'
                               AND j.finished_at > now() - interval '1 day')))
 ORDER BY t.renew_at, t.id
 LIMIT $1::bigint
    ON CONFLICT (uuid) WHERE state IN ('waiting', 'leased') DO NOTHING
RETURNING id
