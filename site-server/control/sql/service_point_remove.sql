-- Shuts the service point with key or name $1 out.
SELECT amt.service_point_remove($1::text) AS key
