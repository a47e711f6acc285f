-- service_points_heard: heartbeats, good for $1 seconds: service points $2 have $3 free slots and run $4 jobs; counters of
-- service points $5: names $6, values $7.
UPDATE amt_store.service_point p
   SET free = g.free, running = g.running, last_seen = now(),
       connected_until = now() + $1::bigint * interval '1 second',
       counters = coalesce((SELECT jsonb_object_agg(c.name, c.value)
                              FROM unnest($5::bigint[], $6::text[], $7::bigint[]) AS c (service_point, name, value)
                             WHERE c.service_point = p.id), p.counters)
  FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS g (id, free, running)
 WHERE p.id = g.id AND p.state = 'approved'
