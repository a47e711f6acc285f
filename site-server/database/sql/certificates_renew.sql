-- certificates_renew: requests renewal of at most $1 certificates that are due. A computer with an open job comes later,
-- one whose renewal was given up a day later.
INSERT INTO amt_store.job (uuid, kind, requested_by)
SELECT c.uuid, 'renew-certificate', 'certificate'
  FROM amt_store.certificate t JOIN amt_store.computer c USING (uuid)
 WHERE t.state = 'active' AND t.usage = 'server' AND t.renew_at <= now() AND c.amt_status = 3 AND NOT c.blocked AND c.address IS NOT NULL
   AND NOT EXISTS (SELECT FROM amt_store.job j WHERE j.uuid = c.uuid
                      AND (j.state IN ('waiting', 'leased')
                           OR (j.kind = 'renew-certificate' AND j.state IN ('failed', 'cancelled')
                               AND j.finished_at > now() - interval '1 day')))
 ORDER BY t.renew_at, t.id
 LIMIT $1::bigint
    ON CONFLICT (uuid) WHERE state IN ('waiting', 'leased') DO NOTHING
RETURNING id
