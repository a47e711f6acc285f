-- unknown_store: remembers unknown computers $1: addresses $2, service points $3, roots $4 (separated by blanks), times heard $5.
WITH stored AS (
    INSERT INTO amt_store.unknown_hello AS u (uuid, address, service_point, root_hashes, first_seen, last_seen, count)
    SELECT g.uuid, g.address::inet, g.service_point, string_to_array(g.root_hashes, ' '), now(), now(), g.times
      FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::bigint[])
           AS g (uuid, address, service_point, root_hashes, times)
        ON CONFLICT (uuid) DO UPDATE
       SET address = EXCLUDED.address, service_point = EXCLUDED.service_point, root_hashes = EXCLUDED.root_hashes,
           last_seen = EXCLUDED.last_seen, count = u.count + EXCLUDED.count
    RETURNING u.xmax = 0 AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS added FROM stored
