-- jobs_lock: jobs $1 with what an offer needs; those that somebody else took meanwhile are left out. Refused is what
-- refusals_of_job says.
SELECT j.id, j.uuid, j.kind, j.attempt, j.failures, host(c.address) AS address,
       CASE WHEN j.kind = 'provision' AND j.requested_by = 'hello' AND c.proven_address <> c.address
            THEN host(c.proven_address) END AS former_address,
       c.fqdn, c.firmware_version, c.profile,
       coalesce(CASE WHEN c.managed_in_band THEN g.root_hashes ELSE h.root_hashes END, '{}') AS root_hashes,
       r.refused, r.refusals_in_last_hour, r.hour_over_s,
       (SELECT t.certificate FROM amt_store.certificate t WHERE t.uuid = j.uuid AND t.state = 'active' AND t.usage = 'server'
         ORDER BY t.id DESC LIMIT 1) AS certificate
  FROM amt_store.job j
  JOIN amt_store.computer c USING (uuid)
  LEFT JOIN amt_store.hello h USING (uuid)
  LEFT JOIN amt_store.agent g ON g.uuid = j.uuid
 CROSS JOIN LATERAL (
       SELECT array_agg(DISTINCT a.reference) FILTER (WHERE a.job = j.id AND NOT a.assumed AND NOT EXISTS
                  (SELECT FROM amt_store.job_attempt l
                    WHERE l.job = a.job AND l.attempt > a.attempt AND l.outcome = 'lease-over' AND l.accepted_at IS NOT NULL
                      AND a.reference IN ('secret:' || l.admin_secret, 'secret:' || l.mebx_secret))) AS refused,
              count(*) FILTER (WHERE a.refused_at > now() - interval '1 hour') AS refusals_in_last_hour,
              extract(epoch FROM min(a.refused_at) FILTER (WHERE a.refused_at > now() - interval '1 hour')
                                 + interval '1 hour')::bigint AS hour_over_s
         FROM amt_store.account_refused a WHERE a.uuid = j.uuid) AS r
 WHERE j.id = ANY ($1::bigint[]) AND j.state = 'waiting'
 ORDER BY j.id
   FOR NO KEY UPDATE OF j SKIP LOCKED
