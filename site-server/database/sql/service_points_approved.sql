-- service_points_approved: who may connect, and who has a session with another site server.
SELECT id, key, coalesce(name, said_name, left(key, 8)) AS name,
       site_server IS NOT NULL AND site_server IS DISTINCT FROM amt_store.this_site_server() AS elsewhere
  FROM amt_store.service_point WHERE state = 'approved'
