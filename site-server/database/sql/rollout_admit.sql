-- rollout_admit: those of jobs $1, in their order, that their profiles' waves have room for. After rollout_lock, so that it
-- sees what other site servers have begun.
WITH given AS MATERIALIZED (
    SELECT g.ordinal, j.id, o.profile, o.wave_size, o.per_subnet, coalesce(o.halted, false) AS halted,
           network(set_masklen(c.address, CASE family(c.address) WHEN 4 THEN o.subnet_bits ELSE o.subnet_bits_ipv6 END)) AS subnet
      FROM unnest($1::bigint[]) WITH ORDINALITY AS g (job, ordinal)
      JOIN amt_store.job j ON j.id = g.job
      JOIN amt_store.computer c USING (uuid)
      LEFT JOIN amt_store.rollout o ON o.profile = c.profile AND j.kind IN ('provision', 'update')
), under_way AS MATERIALIZED (
    SELECT l.profile, network(set_masklen(j.address, CASE family(j.address) WHEN 4 THEN l.subnet_bits ELSE l.subnet_bits_ipv6 END)) AS subnet,
           count(*) AS jobs
      FROM amt_store.rollout l
      JOIN amt_store.job j ON j.profile = l.profile AND j.writes AND j.state = 'leased'
     WHERE l.profile IN (SELECT g.profile FROM given g)
     GROUP BY 1, 2
), in_subnet AS (
    SELECT g.*, row_number() OVER (PARTITION BY g.profile, g.subnet ORDER BY g.ordinal)
                + coalesce((SELECT u.jobs FROM under_way u WHERE u.profile = g.profile AND u.subnet = g.subnet), 0) AS place_in_subnet
      FROM given g WHERE NOT g.halted
), in_wave AS (
    SELECT s.*, row_number() OVER (PARTITION BY s.profile ORDER BY s.ordinal)
                + coalesce((SELECT sum(u.jobs) FROM under_way u WHERE u.profile = s.profile), 0) AS place
      FROM in_subnet s WHERE s.per_subnet IS NULL OR s.place_in_subnet <= s.per_subnet
)
SELECT w.id FROM in_wave w WHERE w.wave_size IS NULL OR w.place <= w.wave_size
