-- The provisioning certificates of the service points.
SELECT p.name AS service_point, coalesce(c ->> 'subject', '?') AS subject, coalesce(c ->> 'root', '?') AS root_subject,
       floor(extract(epoch FROM (c ->> 'not_after')::timestamptz - now()))::bigint AS seconds_left
  FROM amt.service_point p CROSS JOIN jsonb_array_elements(p.certificates) AS c
 WHERE p.state = 'approved'
 ORDER BY p.name, c ->> 'subject'
