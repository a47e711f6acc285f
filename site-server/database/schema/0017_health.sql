-- 0017_health.sql: what somebody has to look at, from the database alone.

-- Of pg_stat_replication only a superuser sees all, so this runs with the rights of the schema's owner.
CREATE FUNCTION amt_store.standbys(OUT wanted boolean, OUT connected bigint, OUT synchronous bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT current_setting('synchronous_standby_names') <> '', count(*), count(*) FILTER (WHERE r.sync_state IN ('sync', 'quorum'))
      FROM pg_stat_replication r WHERE r.state = 'streaming'
$$;

-- Passwords whose fate is not known: few, among all that there ever were.
CREATE INDEX secret_pending ON amt_store.secret (created_at) WHERE state = 'pending' AND maybe_on_device;

-- How big what should stay small has become, and what autovacuum does not keep up with.
CREATE FUNCTION amt_store.table_sizes(OUT name text, OUT bounded boolean, OUT bytes bigint, OUT live bigint, OUT dead bigint)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.relname, t.relname IN ('unknown_hello', 'site_server', 'service_point', 'rollout', 'revocation_list', 'account_refused'),
           pg_total_relation_size(t.relid), t.n_live_tup, t.n_dead_tup
      FROM pg_stat_user_tables t WHERE t.schemaname = 'amt_store'
$$;

-- The first names of many, for a sentence.
CREATE FUNCTION amt_store.some_of(names text[]) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_to_string(names[1:5], ', ') || CASE WHEN array_length(names, 1) > 5 THEN ', ...' ELSE '' END
$$;

CREATE VIEW amt.health AS
    -- Who should be there.
    SELECT 'problem' AS level, 'no-site-server' AS code, 1::bigint AS amount,
           'no site server was heard within three heartbeats' AS finding,
           'start amt-site-server; systemctl status amt-site-server says why it does not run' AS remedy
     WHERE NOT EXISTS (SELECT FROM amt_store.site_server s WHERE s.heard_until > now())
    UNION ALL
    SELECT 'warning', 'site-server-silent', count(*), 'site servers that ended without a word: ' || amt_store.some_of(array_agg(s.host ORDER BY s.heard_until DESC)),
           'see the log on that host; the row leaves after a day'
      FROM amt_store.site_server s
     WHERE s.heard_until <= now()
       AND NOT EXISTS (SELECT FROM amt_store.site_server o WHERE o.host = s.host AND o.endpoint = s.endpoint AND o.heard_until > now())
    HAVING count(*) > 0
    UNION ALL
    SELECT 'warning', 'mixed-versions', count(DISTINCT v.version), 'programs of several versions run: ' || string_agg(DISTINCT v.version, ', '),
           'end the upgrade: all site servers and service points of one version'
      FROM (SELECT s.software_version AS version FROM amt_store.site_server s WHERE s.heard_until > now()
            UNION ALL
            SELECT p.software_version FROM amt_store.service_point p WHERE p.state = 'approved' AND p.connected_until > now()) AS v
    HAVING count(DISTINCT v.version) > 1
    UNION ALL
    SELECT 'problem', 'no-service-point', 1, CASE WHEN count(*) = 0 THEN 'no service point is admitted, so nobody hears computers'
                                                  ELSE 'none of ' || count(*) || ' service points is connected' END,
           CASE WHEN count(*) = 0 THEN 'start one, then amtctl service-point approve its key'
                ELSE 'see their logs, and whether they reach queue.endpoint of a site server' END
      FROM amt_store.service_point p WHERE p.state = 'approved'
    HAVING coalesce(NOT bool_or(coalesce(p.connected_until > now(), false)), true)
    UNION ALL
    SELECT 'warning', 'service-point-away', count(*) FILTER (WHERE away),
           'service points that are not connected: ' || amt_store.some_of(array_agg(name ORDER BY name) FILTER (WHERE away)),
           'start them, or amtctl service-point remove'
      FROM (SELECT coalesce(p.name, p.said_name, left(p.key, 8)) AS name, NOT coalesce(p.connected_until > now(), false) AS away
              FROM amt_store.service_point p WHERE p.state = 'approved') AS points
    HAVING bool_or(away) AND NOT bool_and(away)
    UNION ALL
    SELECT 'warning', 'service-point-knocks', count(*), 'service points that wait to be admitted: '
           || amt_store.some_of(array_agg(coalesce(p.said_name, left(p.key, 8)) ORDER BY p.first_seen DESC)),
           'compare the key with the one on its machine, then amtctl service-point approve, or remove'
      FROM amt_store.service_point p WHERE p.state = 'pending' AND p.last_seen > now() - interval '1 day'
    HAVING count(*) > 0
    UNION ALL
    -- What should go on.
    SELECT 'warning', 'jobs-overdue', count(*), CASE WHEN count(*) > 1000 THEN 'more than 1000' ELSE count(*)::text END
           || ' jobs could be begun since ' || to_char(min(overdue.not_before), 'YYYY-MM-DD HH24:MI') || ' or later, and were not for half an hour',
           'more service points, more point.slots, or subnets that a service point serves: SELECT * FROM amt.job WHERE state = ''waiting'' ORDER BY not_before'
      FROM (SELECT j.not_before FROM amt_store.job j JOIN amt_store.computer c USING (uuid)
             WHERE j.state = 'waiting' AND j.not_before < now() - interval '30 minutes' AND c.address IS NOT NULL
               AND NOT (j.kind IN ('provision', 'update')
                        AND EXISTS (SELECT FROM amt_store.rollout o
                                     WHERE o.profile = c.profile AND (o.halted OR o.wave_size IS NOT NULL OR o.per_subnet IS NOT NULL)))
             ORDER BY j.not_before LIMIT 1001) AS overdue
    HAVING count(*) > 0
    UNION ALL
    SELECT 'problem', 'leases-overrun', count(*), count(*) || ' leases are over, and no site server takes the jobs back',
           'see the log of the site servers: they look once a minute'
      FROM amt_store.job j WHERE j.state = 'leased' AND j.leased_until < now() - interval '2 minutes'
    HAVING count(*) > 0
    UNION ALL
    SELECT 'warning', 'passwords-pending', count(*),
           'computers that may have a new password, and nobody works on finding out: ' || amt_store.some_of(array_agg(x.fqdn ORDER BY x.fqdn)),
           'nothing is lost: former and new password are kept; amtctl job request update NAME settles it once the computer answers'
      FROM (SELECT DISTINCT c.fqdn FROM amt_store.secret s JOIN amt_store.computer c USING (uuid)
             WHERE s.state = 'pending' AND s.maybe_on_device AND s.kind IN ('admin', 'mebx')
               AND s.created_at < now() - interval '1 hour'
               AND NOT EXISTS (SELECT FROM amt_store.job j WHERE j.uuid = s.uuid AND j.state IN ('waiting', 'leased')) LIMIT 1001) AS x
    HAVING count(*) > 0
    UNION ALL
    SELECT 'problem', 'profile-halted', 1, 'profile ' || o.profile || ' is halted: ' || coalesce(o.halted_why, 'no reason given'),
           'mend what failed, then amtctl rollout resume ' || o.profile
      FROM amt_store.rollout o WHERE o.halted
    UNION ALL
    -- What ends by its own date.
    SELECT CASE WHEN a.not_after < now() + interval '14 days' THEN 'problem' ELSE 'warning' END, 'authority-ends', 1,
           'the authority ' || a.subject || CASE WHEN a.not_after < now() THEN ' ended ' ELSE ' ends ' END || to_char(a.not_after, 'YYYY-MM-DD'),
           CASE a.kind WHEN 'internal' THEN 'amtctl ca init --replace, then update the computers' ELSE 'have its certificate renewed' END
      FROM amt_store.authority a WHERE a.state = 'active' AND a.not_after < now() + interval '90 days'
    UNION ALL
    SELECT 'problem', 'no-authority', 1, 'there is no authority, so no computer gets a certificate',
           'amtctl ca init, or certificate.issuer = cmp'
     WHERE NOT EXISTS (SELECT FROM amt_store.authority a WHERE a.state = 'active')
    UNION ALL
    SELECT CASE WHEN l.next_update < now() THEN 'problem' ELSE 'warning' END, 'revocation-list-ends', 1,
           'the revocation list of ' || l.issuer || CASE WHEN l.next_update < now() THEN ' ended ' ELSE ' ends ' END
           || to_char(l.next_update, 'YYYY-MM-DD HH24:MI') || ' and was not made again',
           'see the log of the site servers; without a list verifiers trust nothing, or everything'
      FROM amt.revocation_list l WHERE l.next_update < now() + (l.next_update - l.this_update) / 4
    UNION ALL
    SELECT 'warning', 'revocations-untold', count(*), count(*) || ' revoked certificates are on no list, and not acknowledged, since an hour',
           'SELECT * FROM amt.revocation WHERE published_at IS NULL says what the authority answered'
      FROM amt_store.revocation r WHERE r.published_at IS NULL AND r.revoked_at < now() - interval '1 hour'
    HAVING count(*) > 0
    UNION ALL
    SELECT CASE WHEN e.not_after < now() THEN 'problem' ELSE 'warning' END, 'provisioning-certificate-ends', 1,
           'the provisioning certificate ' || e.name || ' of ' || e.detail || CASE WHEN e.not_after < now() THEN ' ended ' ELSE ' ends ' END
           || to_char(e.not_after, 'YYYY-MM-DD'),
           'order a new one under a root that the computers trust (amtctl root coverage), and put it into provisioning.certificates'
      FROM amt.certificate_expiry e WHERE e.what = 'provisioning certificate' AND e.not_after < now() + interval '42 days'
    UNION ALL
    SELECT CASE WHEN min(t.not_after) < now() + interval '7 days' THEN 'problem' ELSE 'warning' END, 'renewals-overdue', count(*),
           count(*) || ' certificates of computers should have been renewed a week ago; the first ends ' || to_char(min(t.not_after), 'YYYY-MM-DD'),
           'amtctl ca expiry says what each renewal waits for; afterwards a computer proves itself no more'
      FROM amt_store.certificate t WHERE t.state = 'active' AND t.renew_at < now() - interval '7 days'
    HAVING count(*) > 0
    UNION ALL
    -- What people have to look at.
    SELECT 'problem', 'alarms', count(*), count(*) || ' alarms that nobody acknowledged, the newest of '
           || to_char(max(a.last_at), 'YYYY-MM-DD HH24:MI'),
           'amtctl alarm list; then amtctl alarm acknowledge'
      FROM amt_store.alarm a WHERE a.acknowledged_at IS NULL
    HAVING count(*) > 0
    UNION ALL
    SELECT 'warning', 'agents-silent', count(*) FILTER (WHERE silent),
           count(*) FILTER (WHERE silent) || ' of ' || count(*) || ' client agents were not heard for 30 days',
           'SELECT fqdn, last_seen FROM amt.agent ORDER BY last_seen; amtctl computer block or remove what is gone'
      FROM (SELECT a.last_seen < now() - interval '30 days' AS silent FROM amt_store.agent a WHERE a.key IS NOT NULL) AS agents
    HAVING bool_or(silent)
    UNION ALL
    -- The database itself.
    SELECT 'problem', 'no-synchronous-standby', 1, 'PostgreSQL waits for a synchronous standby and none is there, so every change waits',
           'bring the standby back, or take it out of synchronous_standby_names'
      FROM amt_store.standbys() AS s WHERE s.wanted AND s.synchronous = 0
    UNION ALL
    SELECT 'warning', 'standby-not-synchronous', s.connected, 'no standby is synchronous: when the primary dies, the last passwords may be missing on it',
           'set synchronous_standby_names; see deploy/patroni'
      FROM amt_store.standbys() AS s WHERE NOT s.wanted AND s.connected > 0
    UNION ALL
    SELECT 'note', 'no-standby', 1, 'the database has no standby: its disk is the only place where the computers'' passwords are',
           'a synchronous standby, or at least backups of database and key file'
      FROM amt_store.standbys() AS s WHERE NOT s.wanted AND s.connected = 0
    UNION ALL
    SELECT 'warning', 'table-too-big', t.bytes, 'table ' || t.name || ' should stay small and takes ' || pg_size_pretty(t.bytes),
           'VACUUM FULL amt_store.' || t.name || '; hello.unknown_max bounds who knocks'
      FROM amt_store.table_sizes() AS t WHERE t.bounded AND t.bytes > 512 * 1024 * 1024
    UNION ALL
    SELECT 'warning', 'vacuum-behind', t.dead, 'autovacuum does not keep up with table ' || t.name || ': ' || t.dead || ' dead rows, ' || t.live || ' live ones',
           'look for transactions that stay open (pg_stat_activity), or let autovacuum work harder'
      FROM amt_store.table_sizes() AS t WHERE t.dead > 100000 AND t.dead > 2 * t.live;

COMMENT ON VIEW amt.health IS 'What somebody has to look at, and what to do about it; no row of level problem or warning: all is well';
COMMENT ON COLUMN amt.health.level IS 'problem (something does not work, or ends soon), warning (it will, or waits for a person), note';
COMMENT ON COLUMN amt.health.code IS 'Stable name of the finding';
COMMENT ON COLUMN amt.health.amount IS 'How many of what the finding speaks of';

REVOKE ALL ON FUNCTION amt_store.standbys, amt_store.table_sizes, amt_store.some_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION amt_store.standbys, amt_store.table_sizes, amt_store.some_of TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT SELECT ON amt.health TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
