-- jobs_lease: hands jobs $1 to service points $2, which try accounts $3 (separated by blanks) and set admin passwords $4
-- (may $5 be on the device already) and MEBx passwords $6 (likewise $7). Until accepted they are held for $8 seconds.
-- From now on the passwords may be on the devices. A service point that went to another site server meanwhile gets none.
WITH given AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::boolean[], $6::bigint[], $7::boolean[])
           AS g (job, service_point, accounts, admin, admin_was_maybe, mebx, mebx_was_maybe)
     WHERE EXISTS (SELECT FROM amt_store.service_point p
                    WHERE p.id = g.service_point AND p.site_server IS NOT DISTINCT FROM amt_store.this_site_server())
), leased AS (
    UPDATE amt_store.job j
       SET state = 'leased', attempt = j.attempt + 1, service_point = g.service_point,
           leased_until = now() + $8::bigint * interval '1 second', started_at = coalesce(j.started_at, now()),
           reason_code = NULL, reason = NULL
      FROM given g
     WHERE j.id = g.job AND j.state = 'waiting'
    RETURNING j.id, j.attempt
), attempts AS (
    INSERT INTO amt_store.job_attempt (job, attempt, service_point, accounts_offered, admin_secret, admin_was_maybe,
                                       mebx_secret, mebx_was_maybe)
    SELECT l.id, l.attempt, g.service_point, string_to_array(g.accounts, ' '), g.admin, g.admin_was_maybe, g.mebx,
           g.mebx_was_maybe
      FROM leased l JOIN given g ON g.job = l.id
), on_their_way AS (
    UPDATE amt_store.secret s SET maybe_on_device = true
      FROM given g JOIN leased l ON l.id = g.job
     WHERE s.id IN (g.admin, g.mebx) AND NOT s.maybe_on_device
)
SELECT id, attempt FROM leased
