-- rollout_announce: jobs ended, so that a wave may have room again, also for other site servers.
SELECT pg_notify('amt_job', '')::text
 WHERE EXISTS (SELECT FROM amt_store.rollout o WHERE o.wave_size IS NOT NULL OR o.per_subnet IS NOT NULL)
   AND EXISTS (SELECT FROM amt_store.site_server s
                WHERE s.id IS DISTINCT FROM amt_store.this_site_server() AND s.heard_until > now())
