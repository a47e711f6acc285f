-- service_points_approved: who may connect.
SELECT id, key, coalesce(name, said_name, left(key, 8)) AS name FROM amt_store.service_point WHERE state = 'approved'
