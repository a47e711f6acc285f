-- 0010_several_servers.sql: site servers beside each other on one database, and provisioning in waves.

-- A site server sets amt.site_server for its connection: an identity that is new at each start.
CREATE FUNCTION amt_store.this_site_server() RETURNS uuid
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT nullif(current_setting('amt.site_server', true), '')::uuid
$$;

CREATE TABLE amt_store.site_server (
    id               uuid PRIMARY KEY,
    host             text NOT NULL,
    endpoint         text NOT NULL,
    software_version text NOT NULL,
    started_at       timestamptz NOT NULL DEFAULT now(),
    heard_until      timestamptz NOT NULL -- silent after that, it is taken for dead
);

-- Where a service point has its session.
ALTER TABLE amt_store.service_point
    ADD COLUMN site_server uuid,
    ADD COLUMN process bigint, -- of the service point, as it says; which of its sessions is the newest can be told within one
    ADD COLUMN session bigint;

CREATE VIEW amt.site_server AS
    SELECT s.id, s.host, s.endpoint, s.software_version, s.heard_until > now() AS alive, s.started_at, s.heard_until,
           (SELECT count(*) FROM amt_store.service_point p
             WHERE p.site_server = s.id AND p.state = 'approved' AND p.connected_until > now()) AS service_points
      FROM amt_store.site_server s;

CREATE VIEW amt.service_point_session AS
    SELECT p.key AS public_key, coalesce(p.name, p.said_name, left(p.key, 8)) AS name, s.id AS site_server, s.host, s.endpoint,
           p.registered_at, p.connected_until
      FROM amt_store.service_point p JOIN amt_store.site_server s ON s.id = p.site_server
     WHERE p.state = 'approved' AND p.connected_until > now();

-- The site server that it left hears of it and offers it nothing more.
CREATE FUNCTION amt_store.tell_moved() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('amt_service_point', NEW.key);
    RETURN NULL;
END
$$;
CREATE TRIGGER service_point_moved AFTER UPDATE OF site_server ON amt_store.service_point
    FOR EACH ROW WHEN (OLD.site_server IS DISTINCT FROM NEW.site_server)
    EXECUTE FUNCTION amt_store.tell_moved();

COMMENT ON VIEW amt.site_server IS 'Site servers that share this database, since their last start; dead ones leave after a day';
COMMENT ON COLUMN amt.site_server.alive IS 'It was heard within the last three heartbeats';
COMMENT ON COLUMN amt.site_server.service_points IS 'Service points that are connected to it';
COMMENT ON VIEW amt.service_point_session IS 'Which site server each connected service point has its session with';

REVOKE ALL ON FUNCTION amt_store.this_site_server, amt_store.tell_moved FROM PUBLIC;
GRANT EXECUTE ON FUNCTION amt_store.this_site_server TO amt_site_server;
GRANT SELECT ON amt.site_server, amt.service_point_session TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON amt_store.site_server TO amt_site_server;

-- ---- waves: a wrong profile must not break a whole fleet -------------------------------------------

-- Of the jobs that write a profile to computers: provision and update.
CREATE TABLE amt_store.rollout (
    profile             text PRIMARY KEY REFERENCES amt_store.profile ON DELETE CASCADE,
    wave_size           integer CHECK (wave_size > 0),  -- computers under way at once; NULL: any number
    per_subnet          integer CHECK (per_subnet > 0), -- the same in one subnet
    subnet_bits         integer NOT NULL DEFAULT 24 CHECK (subnet_bits BETWEEN 1 AND 32),
    subnet_bits_ipv6    integer NOT NULL DEFAULT 64 CHECK (subnet_bits_ipv6 BETWEEN 1 AND 128),
    judged_last         integer NOT NULL DEFAULT 50 CHECK (judged_last BETWEEN 1 AND 1000), -- computers looked back at
    failures            integer CHECK (failures > 0),            -- of these halt it; NULL: none do
    failures_one_reason integer DEFAULT 25 CHECK (failures_one_reason > 0), -- for one reason
    lost_contact_counts boolean NOT NULL DEFAULT false, -- a computer that did not answer any more failed too
    halted              boolean NOT NULL DEFAULT false,
    halted_at           timestamptz,
    halted_by           text,
    halted_why          text,
    counted_from        timestamptz NOT NULL DEFAULT now()
);
INSERT INTO amt_store.rollout (profile) SELECT name FROM amt_store.profile;

CREATE FUNCTION amt_store.begin_rollout() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO amt_store.rollout (profile) VALUES (NEW.name);
    RETURN NULL;
END
$$;
CREATE TRIGGER rollout_begins AFTER INSERT ON amt_store.profile FOR EACH ROW EXECUTE FUNCTION amt_store.begin_rollout();

CREATE INDEX job_attempt_judged ON amt_store.job_attempt (closed_at) WHERE outcome IN ('done', 'failed');

-- The last computers that this profile was written to, or was begun to be written to: that got as far as step O7, so
-- that a password nobody knows, or a computer that is off, is not the profile's fault.
CREATE FUNCTION amt_store.rollout_judged(profile text)
RETURNS TABLE (uuid uuid, failed boolean, reason_code text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT n.uuid, n.outcome = 'failed', n.reason_code
      FROM (SELECT DISTINCT ON (r.uuid) r.uuid, r.outcome, r.reason_code, r.closed_at
              FROM (SELECT j.uuid, a.outcome, a.reason_code, a.closed_at, a.job, a.attempt
                      FROM amt_store.job_attempt a
                      JOIN amt_store.job j ON j.id = a.job
                      JOIN amt_store.computer c ON c.uuid = j.uuid
                     WHERE a.closed_at > (SELECT w.counted_from FROM amt_store.rollout w WHERE w.profile = $1)
                       AND c.profile = $1 AND j.kind IN ('provision', 'update')
                       AND (a.outcome = 'done'
                            OR a.outcome = 'failed'
                               AND EXISTS (SELECT FROM amt_store.job_step s
                                            WHERE s.job = a.job AND s.attempt = a.attempt AND s.number >= 'O7')
                               AND a.reason_code NOT IN ('service-point-stopping', 'site-unreachable', 'database-unavailable',
                                                         'no-authority', 'cancelled', 'internal')
                               AND ((SELECT w.lost_contact_counts FROM amt_store.rollout w WHERE w.profile = $1)
                                    OR a.reason_code NOT IN ('unreachable', 'connection-lost', 'timeout', 'tls-failed', 'time-up')))
                       AND a.outcome IN ('done', 'failed')
                     ORDER BY a.closed_at DESC
                     LIMIT 4 * (SELECT w.judged_last FROM amt_store.rollout w WHERE w.profile = $1)) AS r
             ORDER BY r.uuid, r.closed_at DESC, r.attempt DESC) AS n
     ORDER BY n.closed_at DESC
     LIMIT (SELECT w.judged_last FROM amt_store.rollout w WHERE w.profile = $1)
$$;

CREATE FUNCTION amt_store.halt_rollout(profile text, who text, why text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    UPDATE amt_store.rollout o SET halted = true, halted_at = now(), halted_by = who, halted_why = why
     WHERE o.profile = halt_rollout.profile AND NOT o.halted;
    IF FOUND THEN
        PERFORM amt_store.audit_write('rollout halted', NULL, concat_ws(': ', profile, why));
    END IF;
END
$$;

-- Safe beside other site servers: each looks at what is committed and at its own; the one that sees enough halts it.
CREATE FUNCTION amt_store.judge_rollout() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    limits amt_store.rollout;
    judged bigint;
    failed_count bigint;
    worst text;
    worst_count bigint;
BEGIN
    SELECT o.* INTO limits FROM amt_store.job j JOIN amt_store.computer c USING (uuid)
      JOIN amt_store.rollout o ON o.profile = c.profile
     WHERE j.id = NEW.job AND NOT o.halted AND (o.failures IS NOT NULL OR o.failures_one_reason IS NOT NULL);
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT sum(n), sum(n) FILTER (WHERE r.failed), (array_agg(r.reason_code ORDER BY n DESC) FILTER (WHERE r.failed))[1],
           max(n) FILTER (WHERE r.failed)
      INTO judged, failed_count, worst, worst_count
      FROM (SELECT g.failed, g.reason_code, count(*) AS n FROM amt_store.rollout_judged(limits.profile) AS g GROUP BY 1, 2) AS r;
    IF worst_count >= limits.failures_one_reason THEN
        PERFORM amt_store.halt_rollout(limits.profile, 'site server',
                                       format('%s of the last %s computers failed for one reason: %s', worst_count, judged, worst));
    ELSIF failed_count >= limits.failures THEN
        PERFORM amt_store.halt_rollout(limits.profile, 'site server',
                                       format('%s of the last %s computers failed, most of them for the reason %s', failed_count, judged, worst));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER rollout_judged AFTER UPDATE OF outcome ON amt_store.job_attempt
    FOR EACH ROW WHEN (NEW.outcome = 'failed') EXECUTE FUNCTION amt_store.judge_rollout();

CREATE FUNCTION amt_store.rollout_count(profile text, OUT judged bigint, OUT failed bigint, OUT worst_reason text, OUT worst_count bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(sum(n), 0), coalesce(sum(n) FILTER (WHERE r.failed), 0),
           (array_agg(r.reason_code ORDER BY n DESC) FILTER (WHERE r.failed))[1], coalesce(max(n) FILTER (WHERE r.failed), 0)
      FROM (SELECT g.failed, g.reason_code, count(*) AS n FROM amt_store.rollout_judged($1) AS g GROUP BY 1, 2) AS r
$$;

CREATE VIEW amt.rollout AS
    SELECT o.profile, CASE WHEN o.halted THEN 'halted' ELSE 'running' END AS state, o.halted_why, o.halted_at, o.halted_by,
           w.under_way, w.waiting, n.judged, n.failed, n.worst_reason, n.worst_count, o.wave_size, o.per_subnet, o.subnet_bits,
           o.subnet_bits_ipv6, o.judged_last, o.failures, o.failures_one_reason, o.lost_contact_counts, o.counted_from
      FROM amt_store.rollout o
     CROSS JOIN LATERAL amt_store.rollout_count(o.profile) AS n
     CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE j.state = 'leased') AS under_way,
                                count(*) FILTER (WHERE j.state = 'waiting') AS waiting
                           FROM amt_store.job j JOIN amt_store.computer c USING (uuid)
                          WHERE c.profile = o.profile AND j.state IN ('waiting', 'leased') AND j.kind IN ('provision', 'update')) AS w;
COMMENT ON VIEW amt.rollout IS 'How far and how fast each profile goes to computers (jobs provision and update), and whether failures halted it';
COMMENT ON COLUMN amt.rollout.state IS 'running, or halted: nothing more is begun until amt.rollout_resume()';
COMMENT ON COLUMN amt.rollout.judged IS 'Computers, of the last judged_last since counted_from, that were written to or begun to be';
COMMENT ON COLUMN amt.rollout.failed IS 'Those of them whose last attempt failed in step O7 or later';
COMMENT ON COLUMN amt.rollout.wave_size IS 'Computers under way at once; NULL: any number';
COMMENT ON COLUMN amt.rollout.per_subnet IS 'The same in one subnet of subnet_bits (IPv6: subnet_bits_ipv6)';
COMMENT ON COLUMN amt.rollout.failures IS 'So many failed of the judged halt it; NULL: they do not';
COMMENT ON COLUMN amt.rollout.failures_one_reason IS 'The same, for one reason';
COMMENT ON COLUMN amt.rollout.lost_contact_counts IS 'A computer that stopped answering in step O7 or later failed, too: for profiles that touch networks';

-- ---- what an operator may say about waves ----------------------------------------------------------

CREATE FUNCTION amt.rollout_set(profile text, settings jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    key text;
    value jsonb;
    number text;
BEGIN
    PERFORM amt_store.profile_must_exist(profile);
    FOR key, value IN SELECT * FROM jsonb_each(settings) LOOP
        number := value #>> '{}';
        IF key NOT IN ('wave_size', 'per_subnet', 'subnet_bits', 'subnet_bits_ipv6', 'judged_last', 'failures', 'failures_one_reason',
                       'lost_contact_counts') THEN
            RAISE EXCEPTION 'rollout of profile %: there is no setting %', profile, key
                USING ERRCODE = 'AM003', HINT = 'the columns of amt.rollout from wave_size to lost_contact_counts are the settings';
        END IF;
        IF key = 'lost_contact_counts' AND number IS DISTINCT FROM 'true' AND number IS DISTINCT FROM 'false' THEN
            RAISE EXCEPTION 'rollout of profile %: % is true or false, not %', profile, key, value
                USING ERRCODE = 'AM003', HINT = 'give true or false';
        END IF;
        IF key <> 'lost_contact_counts' AND NOT (number IS NULL AND key IN ('wave_size', 'per_subnet', 'failures', 'failures_one_reason')
                                                 OR coalesce(number ~ '^[1-9][0-9]{0,8}$', false)) THEN
            RAISE EXCEPTION 'rollout of profile %: % cannot be %', profile, key, value
                USING ERRCODE = 'AM003', HINT = 'give a number from 1, or null for no limit where there may be none';
        END IF;
    END LOOP;
    UPDATE amt_store.rollout o
       SET wave_size = CASE WHEN settings ? 'wave_size' THEN (settings ->> 'wave_size')::integer ELSE o.wave_size END,
           per_subnet = CASE WHEN settings ? 'per_subnet' THEN (settings ->> 'per_subnet')::integer ELSE o.per_subnet END,
           subnet_bits = coalesce((settings ->> 'subnet_bits')::integer, o.subnet_bits),
           subnet_bits_ipv6 = coalesce((settings ->> 'subnet_bits_ipv6')::integer, o.subnet_bits_ipv6),
           judged_last = coalesce((settings ->> 'judged_last')::integer, o.judged_last),
           failures = CASE WHEN settings ? 'failures' THEN (settings ->> 'failures')::integer ELSE o.failures END,
           failures_one_reason = CASE WHEN settings ? 'failures_one_reason' THEN (settings ->> 'failures_one_reason')::integer
                                      ELSE o.failures_one_reason END,
           lost_contact_counts = coalesce((settings ->> 'lost_contact_counts')::boolean, o.lost_contact_counts)
     WHERE o.profile = rollout_set.profile;
    PERFORM amt_store.audit_write('rollout set', NULL, profile || ' ' || settings);
    PERFORM pg_notify('amt_job', '');
EXCEPTION WHEN check_violation THEN
    RAISE EXCEPTION 'rollout of profile %: a setting of % is out of range', profile, settings
        USING ERRCODE = 'AM003', HINT = 'subnet_bits goes to 32, subnet_bits_ipv6 to 128, judged_last to 1000';
END
$$;
COMMENT ON FUNCTION amt.rollout_set IS 'Changes the settings that are given, such as {"wave_size": 100, "failures": null}';

CREATE FUNCTION amt.rollout_halt(profile text, why text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.profile_must_exist(profile);
    PERFORM amt_store.halt_rollout(profile, session_user::text, coalesce(why, 'an operator halted it'));
END
$$;
COMMENT ON FUNCTION amt.rollout_halt IS 'Begins no further provision or update of this profile; what is under way goes on';

CREATE FUNCTION amt.rollout_resume(profile text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.profile_must_exist(profile);
    UPDATE amt_store.rollout o
       SET halted = false, halted_at = NULL, halted_by = NULL, halted_why = NULL, counted_from = now()
     WHERE o.profile = rollout_resume.profile;
    PERFORM amt_store.audit_write('rollout resumed', NULL, profile);
    PERFORM pg_notify('amt_job', '');
END
$$;
COMMENT ON FUNCTION amt.rollout_resume IS 'Goes on with this profile; failures so far do not count any more';

REVOKE ALL ON FUNCTION amt.rollout_set, amt.rollout_halt, amt.rollout_resume, amt_store.begin_rollout, amt_store.rollout_judged,
    amt_store.halt_rollout, amt_store.judge_rollout, amt_store.rollout_count FROM PUBLIC;
GRANT EXECUTE ON FUNCTION amt.rollout_set, amt.rollout_halt, amt.rollout_resume TO amt_operator;
GRANT EXECUTE ON FUNCTION amt_store.rollout_judged, amt_store.halt_rollout, amt_store.audit_write TO amt_site_server;
GRANT EXECUTE ON FUNCTION amt_store.rollout_count TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT SELECT ON amt.rollout TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON amt_store.rollout TO amt_site_server;
