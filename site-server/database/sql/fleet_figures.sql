-- fleet_figures: the fleet for Prometheus; each figure has few rows, whatever the fleet's size.
WITH waiting AS MATERIALIZED ( -- the one look at what may be many rows
    SELECT j.kind, c.profile, CASE WHEN j.attempt > 0 THEN coalesce(j.reason_code, '') END AS retried_for,
           c.address IS NOT NULL AND j.not_before <= now() AS due, count(*) AS jobs, min(j.not_before) AS oldest
      FROM amt_store.job j JOIN amt_store.computer c USING (uuid) WHERE j.state = 'waiting'
     GROUP BY 1, 2, 3, 4
), profiles AS (
    SELECT w.profile, sum(w.jobs) AS jobs, row_number() OVER (ORDER BY sum(w.jobs) DESC, w.profile) AS place
      FROM waiting w GROUP BY w.profile
), statuses AS MATERIALIZED (
    SELECT c.amt_status, count(*) AS computers FROM amt_store.computer c GROUP BY 1
), pending AS MATERIALIZED (
    SELECT s.kind, count(*) AS secrets FROM amt_store.secret s WHERE s.state = 'pending' AND s.maybe_on_device GROUP BY 1
)
SELECT 'amt_computers' AS figure, coalesce(n.name, 'unknown') AS label, s.computers AS value
  FROM statuses s LEFT JOIN amt_store.status_name n ON n.status = s.amt_status
UNION ALL
SELECT 'amt_jobs_waiting', k.kind, (SELECT coalesce(sum(w.jobs), 0)::bigint FROM waiting w WHERE w.kind = k.kind) FROM amt.job_kind k
UNION ALL
SELECT 'amt_jobs_waiting_by_profile', CASE WHEN p.place <= 50 THEN p.profile ELSE '' END, sum(p.jobs)::bigint FROM profiles p GROUP BY 2
UNION ALL
SELECT 'amt_jobs_due', '', coalesce(sum(w.jobs), 0)::bigint FROM waiting w WHERE w.due
UNION ALL
SELECT 'amt_jobs_retrying', w.retried_for, sum(w.jobs)::bigint FROM waiting w WHERE w.retried_for IS NOT NULL GROUP BY w.retried_for
UNION ALL
SELECT 'amt_oldest_due_job_seconds', '', coalesce(extract(epoch FROM now() - min(w.oldest)), 0)::bigint FROM waiting w WHERE w.due
UNION ALL
SELECT 'amt_leases', l.label, l.value
  FROM (SELECT count(*) FILTER (WHERE j.leased_until >= now()) AS active, count(*) FILTER (WHERE j.leased_until < now()) AS expired
          FROM amt_store.job j WHERE j.state = 'leased') AS n
 CROSS JOIN LATERAL (VALUES ('active', n.active), ('expired', n.expired)) AS l (label, value)
UNION ALL
SELECT 'amt_escrow_pending', k.kind, coalesce((SELECT p.secrets FROM pending p WHERE p.kind = k.kind), 0)
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
