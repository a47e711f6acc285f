-- Service points, those that wait for approval first.
SELECT name, public_key, address, state, connected::text, software_version, slots::text, free::text, running::text,
       array_to_string(subnets, ' ') AS subnet_text, array_to_json(subnets)::text AS subnets,
       coalesce(array_to_string(granted_subnets, ' '), 'any') AS granted_text,
       array_to_json(granted_subnets)::text AS granted_subnets,
       certificates::text, date_trunc('second', first_seen)::text AS first_seen,
       date_trunc('second', last_seen)::text AS last_seen, date_trunc('second', approved_at)::text AS approved_at,
       approved_by
  FROM amt.service_point
 ORDER BY state <> 'pending', state, name
