-- service_points_elsewhere: whether service points other than $1 are connected, to another site server.
SELECT EXISTS (SELECT FROM amt_store.service_point p
                WHERE p.state = 'approved' AND p.connected_until > now() AND p.id <> ALL ($1::bigint[])) AS connected
