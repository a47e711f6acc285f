-- fleet_figures: the fleet for Prometheus; each figure has few rows, whatever the fleet's size.
WITH waiting AS MATERIALIZED (
    SELECT j.kind, c.profile, j.reason_code, j.attempt, j.not_before, c.address IS NOT NULL AND j.not_before <= now() AS due
      FROM amt_store.job j JOIN amt_store.computer c USING (uuid) WHERE j.state = 'waiting'
), profiles AS (
    SELECT w.profile, count(*) AS jobs, row_number() OVER (ORDER BY count(*) DESC, w.profile) AS place
      FROM waiting w GROUP BY w.profile
)
SELECT 'amt_computers' AS figure, coalesce(s.name, 'unknown') AS label, count(*) AS value
  FROM amt_store.computer c LEFT JOIN amt_store.status_name s ON s.status = c.amt_status GROUP BY s.name
UNION ALL
SELECT 'amt_jobs_waiting', k.kind, (SELECT count(*) FROM waiting w WHERE w.kind = k.kind) FROM amt.job_kind k
UNION ALL
SELECT 'amt_jobs_waiting_by_profile', CASE WHEN p.place <= 50 THEN p.profile ELSE '' END, sum(p.jobs)::bigint FROM profiles p GROUP BY 2
UNION ALL
SELECT 'amt_jobs_due', '', count(*) FROM waiting w WHERE w.due
UNION ALL
SELECT 'amt_jobs_retrying', coalesce(w.reason_code, ''), count(*) FROM waiting w WHERE w.attempt > 0 GROUP BY w.reason_code
UNION ALL
SELECT 'amt_oldest_due_job_seconds', '', coalesce(extract(epoch FROM now() - min(w.not_before)), 0)::bigint FROM waiting w WHERE w.due
UNION ALL
SELECT 'amt_leases', l.label, l.value
  FROM (SELECT count(*) FILTER (WHERE j.leased_until >= now()) AS active, count(*) FILTER (WHERE j.leased_until < now()) AS expired
          FROM amt_store.job j WHERE j.state = 'leased') AS n
 CROSS JOIN LATERAL (VALUES ('active', n.active), ('expired', n.expired)) AS l (label, value)
UNION ALL
SELECT 'amt_escrow_pending', k.kind, (SELECT count(*) FROM amt_store.secret s WHERE s.state = 'pending' AND s.kind = k.kind AND s.maybe_on_device)
  FROM unnest(ARRAY['admin', 'mebx', 'directory']) AS k (kind)
UNION ALL
SELECT 'amt_profiles_halted', '', count(*) FROM amt_store.rollout o WHERE o.halted
UNION ALL
SELECT 'amt_alarms_unacknowledged', a.code, count(*) FROM amt_store.alarm a WHERE a.acknowledged_at IS NULL GROUP BY a.code
UNION ALL
SELECT 'amt_expiry_timestamp_seconds', e.label, extract(epoch FROM e.ends)::bigint
  FROM (SELECT 'computer' AS label, (SELECT min(t.not_after) FROM amt_store.certificate t WHERE t.state = 'active') AS ends
        UNION ALL SELECT 'authority', (SELECT min(a.not_after) FROM amt_store.authority a WHERE a.state = 'active')
        UNION ALL SELECT 'revocation-list', (SELECT min(l.next_update) FROM amt_store.revocation_list l)
        UNION ALL SELECT 'provisioning-certificate', (SELECT min(p.not_after) FROM amt.provisioning_certificate p)) AS e
 WHERE e.ends IS NOT NULL
UNION ALL
SELECT 'amt_site_servers', '', count(*) FROM amt_store.site_server s WHERE s.heard_until > now()
UNION ALL
SELECT 'amt_service_points_connected', '', count(*) FROM amt_store.service_point p WHERE p.state = 'approved' AND p.connected_until > now()
UNION ALL
SELECT 'amt_health_findings', h.code, count(*) FROM amt.health h WHERE h.level <> 'note' GROUP BY h.code
