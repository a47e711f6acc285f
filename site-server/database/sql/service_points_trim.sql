-- service_points_trim: keeps the $1 unknown keys that knocked last.
DELETE FROM amt_store.service_point
 WHERE id IN (SELECT id FROM amt_store.service_point WHERE state = 'pending' ORDER BY last_seen DESC OFFSET $1::bigint)
