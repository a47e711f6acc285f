-- jobs_due: at most $3 jobs that may be handed out now, after the one that was due at $1 (microseconds since 1970), number $2.
-- Those whose profile is halted, or whose wave is full, wait; limited: rollout_admit has the last word.
WITH limits AS MATERIALIZED (
    SELECT * FROM amt_store.rollout o WHERE o.halted OR o.wave_size IS NOT NULL OR o.per_subnet IS NOT NULL
), under_way AS MATERIALIZED (
    SELECT l.profile, network(set_masklen(c.address, CASE family(c.address) WHEN 4 THEN l.subnet_bits ELSE l.subnet_bits_ipv6 END)) AS subnet,
           count(*) AS jobs
      FROM limits l
      JOIN amt_store.computer c ON c.profile = l.profile
      JOIN amt_store.job j ON j.uuid = c.uuid AND j.state = 'leased' AND j.kind IN ('provision', 'update')
     GROUP BY 1, 2
), closed AS MATERIALIZED (
    SELECT l.profile, NULL::cidr AS subnet FROM limits l
     WHERE l.halted OR l.wave_size <= (SELECT sum(u.jobs) FROM under_way u WHERE u.profile = l.profile)
    UNION ALL
    SELECT u.profile, u.subnet FROM under_way u JOIN limits l USING (profile) WHERE u.jobs >= l.per_subnet
)
SELECT j.id, j.failures, j.heard_by, host(c.address) AS address,
       -- A computer that is not in setup asks for no provisioning certificate.
       CASE WHEN j.kind = 'provision' OR (j.kind = 'discover' AND coalesce(c.amt_status, 2) <= 2)
            THEN coalesce(h.root_hashes, '{}') ELSE '{}' END AS root_hashes,
       (extract(epoch FROM j.not_before) * 1000000)::bigint AS not_before_us,
       j.kind IN ('provision', 'update') AND EXISTS (SELECT FROM limits l WHERE l.profile = c.profile) AS limited
  FROM amt_store.job j
  JOIN amt_store.computer c USING (uuid)
  LEFT JOIN amt_store.hello h USING (uuid)
 WHERE j.state = 'waiting' AND j.not_before <= now() AND c.address IS NOT NULL
   AND (j.not_before, j.id) > (CASE WHEN $1::bigint < 0 THEN '-infinity'::timestamptz
                                    ELSE 'epoch'::timestamptz + $1::bigint * interval '1 microsecond' END, $2::bigint)
   AND NOT (j.kind IN ('provision', 'update')
            AND EXISTS (SELECT FROM closed x WHERE x.profile = c.profile AND (x.subnet IS NULL OR c.address <<= x.subnet)))
 ORDER BY j.not_before, j.id
 LIMIT $3::bigint
