-- Admits the service point with key or name $1 and calls it $2; it may serve subnets $3 alone (NULL: as before).
SELECT amt.service_point_approve($1::text, $2::text, $3::text) AS key
