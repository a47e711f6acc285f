-- service_points_elsewhere: the service points that are connected to other site servers, and what they can do.
SELECT p.id, p.free, p.subnets::text[] AS subnets, p.root_hashes
  FROM amt_store.service_point p
 WHERE p.state = 'approved' AND p.connected_until > now() AND p.site_server IS DISTINCT FROM amt_store.this_site_server()
