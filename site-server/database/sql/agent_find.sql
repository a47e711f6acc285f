-- agent_find: the computer that the agent with key $1 is bound to, and what decides what the agent is told.
SELECT c.uuid, c.blocked, c.managed_in_band, coalesce(w.provision, p.provision, true) AS provision,
       coalesce(w.enable_amt, p.enable_amt, false) AS enable_amt, c.auto_reprovision,
       EXISTS (SELECT FROM amt_store.unprovisioned u WHERE u.uuid = c.uuid) AS unprovisioned,
       coalesce(c.amt_status = 3, false) AS held, c.provisioned_at IS NOT NULL AS ever_provisioned,
       position('.' IN c.fqdn) > 0 AS has_fqdn,
       -- What the agent said before a job provisioned the computer does not hold any more.
       CASE WHEN c.provisioned_at > a.last_seen THEN 'post' ELSE a.setup_state END AS setup_state,
       EXISTS (SELECT FROM amt_store.job j WHERE j.uuid = c.uuid AND j.state = 'leased') AS job_leased,
       -- Connected or not: a job waits for its service point.
       ARRAY(SELECT DISTINCT h.hash FROM amt_store.service_point s CROSS JOIN unnest(s.root_hashes) AS h (hash)
              WHERE s.state = 'approved' AND (p.root_hashes IS NULL OR h.hash = ANY (p.root_hashes))
              ORDER BY h.hash) AS root_hashes
  FROM amt_store.agent a
  JOIN amt_store.computer c USING (uuid)
  LEFT JOIN amt_store.in_band_profile p ON p.profile = c.profile
  LEFT JOIN amt_store.in_band_computer w ON w.uuid = c.uuid
 WHERE a.key = $1::text
