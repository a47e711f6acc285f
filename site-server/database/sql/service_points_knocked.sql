-- service_points_knocked: keys $1 were refused at addresses $2.
WITH stored AS (
    INSERT INTO amt_store.service_point AS p (key, state, address, first_seen, last_seen)
    SELECT DISTINCT ON (g.key) g.key, 'pending', g.address::inet, now(), now()
      FROM unnest($1::text[], $2::text[]) AS g (key, address)
        ON CONFLICT (key) DO UPDATE SET address = EXCLUDED.address, last_seen = EXCLUDED.last_seen
     WHERE p.state <> 'approved'
    RETURNING p.xmax = 0 AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS added FROM stored
