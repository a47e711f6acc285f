-- jobs_due: of each of the next $6 lanes behind lane $1, $2, $3 (profile, writes, subnet) and up to lane $7, $8, $9 (NULL: the
-- last), $5 jobs that may be handed out now, after the first $4: the first of each lane, then the second of each. A lane that
-- has none is a row without a job. Those whose profile is halted, or whose wave is full, wait; limited: rollout_admit has the
-- last word.
WITH RECURSIVE limits AS MATERIALIZED (
    SELECT * FROM amt_store.rollout o WHERE o.halted OR o.wave_size IS NOT NULL OR o.per_subnet IS NOT NULL
), under_way AS MATERIALIZED (
    SELECT l.profile, network(set_masklen(j.address, CASE family(j.address) WHEN 4 THEN l.subnet_bits ELSE l.subnet_bits_ipv6 END)) AS subnet,
           count(*) AS jobs
      FROM limits l
      JOIN amt_store.job j ON j.profile = l.profile AND j.writes AND j.state = 'leased'
     GROUP BY 1, 2
), closed AS MATERIALIZED (
    SELECT l.profile, NULL::cidr AS subnet FROM limits l
     WHERE l.halted OR l.wave_size <= (SELECT sum(u.jobs) FROM under_way u WHERE u.profile = l.profile)
    UNION ALL
    SELECT u.profile, u.subnet FROM under_way u JOIN limits l USING (profile) WHERE u.jobs >= l.per_subnet
), lane AS (
    (SELECT 1 AS ordinal, j.profile, j.writes, j.subnet
       FROM amt_store.job j
      WHERE j.state = 'waiting' AND j.subnet IS NOT NULL AND (j.profile, j.writes, j.subnet) > ($1::text, $2::boolean, $3::cidr)
      ORDER BY j.profile, j.writes, j.subnet LIMIT 1)
    UNION ALL
    SELECT l.ordinal + 1, n.profile, n.writes, n.subnet
      FROM lane l
     CROSS JOIN LATERAL (SELECT j.profile, j.writes, j.subnet
                           FROM amt_store.job j
                          WHERE j.state = 'waiting' AND j.subnet IS NOT NULL
                            AND (j.profile, j.writes, j.subnet) > (l.profile, l.writes, l.subnet)
                          ORDER BY j.profile, j.writes, j.subnet LIMIT 1) AS n
     WHERE l.ordinal < $6::bigint
)
SELECT l.ordinal, l.profile AS lane_profile, l.writes AS lane_writes, l.subnet::text AS lane_subnet,
       d.id, d.failures, d.heard_by, host(c.address) AS address,
       -- A computer that is not in setup asks for no provisioning certificate.
       CASE WHEN d.kind = 'provision' OR (d.kind = 'discover' AND coalesce(c.amt_status, 2) <= 2)
            THEN coalesce(CASE WHEN c.managed_in_band THEN a.root_hashes ELSE h.root_hashes END, '{}') ELSE '{}' END AS root_hashes,
       -- For people. Whatever an agent said, it must not end the statement: an IPv4 address has no more than 32 bits.
       network(set_masklen(c.address, least(coalesce(a.wired_prefix_bits::integer, CASE family(c.address) WHEN 4 THEN 24 ELSE 64 END),
                                            CASE family(c.address) WHEN 4 THEN 32 ELSE 128 END)))::text AS subnet,
       l.writes AND EXISTS (SELECT FROM limits x WHERE x.profile = l.profile) AS limited
  FROM lane l
  LEFT JOIN LATERAL (
       SELECT j.id, j.uuid, j.kind, j.failures, j.heard_by, row_number() OVER (ORDER BY j.not_before, j.id) AS place
         FROM amt_store.job j
        WHERE j.state = 'waiting' AND j.subnet IS NOT NULL AND j.not_before <= now()
          AND j.profile = l.profile AND j.writes = l.writes AND j.subnet = l.subnet
          AND NOT (l.writes AND EXISTS (SELECT FROM closed x
                                         WHERE x.profile = l.profile AND (x.subnet IS NULL OR l.subnet <<= x.subnet)))
          AND NOT (l.writes AND EXISTS (SELECT FROM closed x
                                         WHERE x.profile = l.profile AND x.subnet << l.subnet AND j.address <<= x.subnet))
        ORDER BY j.not_before, j.id
       OFFSET $4::bigint LIMIT $5::bigint) AS d ON true
  LEFT JOIN amt_store.computer c ON c.uuid = d.uuid
  LEFT JOIN amt_store.hello h ON h.uuid = d.uuid
  LEFT JOIN amt_store.agent a ON a.uuid = d.uuid AND c.managed_in_band
 WHERE $7::text IS NULL OR (l.profile, l.writes, l.subnet) <= ($7::text, $8::boolean, $9::cidr)
 ORDER BY d.place, l.ordinal
