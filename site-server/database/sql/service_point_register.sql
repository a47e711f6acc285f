-- service_point_register: the service point with key $1 is at address $2, calls itself $3, version $4, has $5 slots, $6 of
-- them free, runs $7 jobs, counts as connected for $8 seconds, serves subnets $9; roots $10 and subjects $11, root subjects
-- $12, ends of validity $13 (seconds since 1970) of its provisioning certificates; session $15 of its process $14 (NULL: not
-- told). Nothing is changed when it says that it serves more than granted_only, what it may, or when a later session of the
-- same process is known: then this one reached a site server that was late.
WITH asking AS (
    SELECT p.id, coalesce(p.name, $3::text) AS name, p.granted,
           ARRAY(SELECT network(s::inet) FROM unnest($9::text[]) AS s) AS subnets
      FROM amt_store.service_point p
     WHERE p.key = $1::text AND p.state = 'approved'
), judged AS (
    SELECT a.*, CASE WHEN a.granted IS NOT NULL
                      AND (a.subnets = '{}' OR EXISTS (SELECT FROM unnest(a.subnets) AS s WHERE NOT s <<= ANY (a.granted)))
                     THEN array_to_string(a.granted, ', ') END AS granted_only
      FROM asking a
), registered AS (
    UPDATE amt_store.service_point p
       SET address = coalesce($2::text::inet, p.address), said_name = $3::text, software_version = $4::text,
           slots = $5::integer, free = $6::integer, running = $7::integer,
           connected_until = now() + $8::bigint * interval '1 second', subnets = j.subnets, root_hashes = $10::text[],
           certificates = (SELECT coalesce(jsonb_agg(jsonb_build_object('subject', c.subject, 'root', c.root,
                                                                        'not_after', to_timestamp(c.not_after))), '[]')
                             FROM unnest($11::text[], $12::text[], $13::bigint[]) AS c (subject, root, not_after)),
           site_server = amt_store.this_site_server(), process = $14::bigint, session = $15::bigint,
           counters = '{}', first_seen = coalesce(p.first_seen, now()), registered_at = now(), last_seen = now()
      FROM judged j
     WHERE p.id = j.id AND j.granted_only IS NULL
       AND NOT coalesce(p.process = $14::bigint AND p.session > $15::bigint, false)
    RETURNING p.id
)
SELECT j.id, j.name, j.granted_only FROM judged j
 WHERE j.granted_only IS NOT NULL OR EXISTS (SELECT FROM registered)
