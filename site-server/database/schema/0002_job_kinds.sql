-- 0002_job_kinds.sql: jobs of other kinds than provision, one by one and in bulk.

CREATE TABLE amt_store.job_kind (
    kind              text PRIMARY KEY,
    wants_provisioned boolean NOT NULL, -- only for computers that this site holds as provisioned
    meaning           text NOT NULL
);
INSERT INTO amt_store.job_kind VALUES
    ('provision', false, 'make it ours: names, certificate, passwords, profile; from setup, or again'),
    ('discover', false, 'look: AMT version and status; nothing is changed'),
    ('update', true, 'make it again what import and profile say; only what differs is written'),
    ('rotate-passwords', true, 'new admin password; new MEBx password where the profile says random'),
    ('renew-certificate', true, 'new key and certificate; the old ones are deleted'),
    ('sync-clock', true, 'set the clock, where it is off'),
    ('unprovision', true, 'remove everything; it stays so until a provision job is requested'),
    ('unprovision-partially', true, 'the same, but admin password, host name and domain stay in the firmware');

ALTER TABLE amt_store.job DROP CONSTRAINT job_kind_check;
ALTER TABLE amt_store.job ADD CONSTRAINT job_kind_known FOREIGN KEY (kind) REFERENCES amt_store.job_kind;

CREATE VIEW amt.job_kind AS
    SELECT kind, wants_provisioned, meaning FROM amt_store.job_kind;
COMMENT ON VIEW amt.job_kind IS 'Kinds of jobs that can be requested';
COMMENT ON COLUMN amt.job_kind.wants_provisioned IS 'True: only for computers with amt_status 3';

-- ---- computers that an operator wants unprovisioned ------------------------------------------------

-- Written with the request, so that no Hello undoes what the job does, however it ends.
CREATE TABLE amt_store.unprovisioned (
    uuid             uuid PRIMARY KEY REFERENCES amt_store.computer ON DELETE CASCADE,
    requested_at     timestamptz NOT NULL DEFAULT now(),
    requested_by     text NOT NULL DEFAULT session_user,
    unprovisioned_at timestamptz
);

CREATE VIEW amt.unprovisioned AS
    SELECT u.uuid, c.fqdn, u.requested_at, u.requested_by, u.unprovisioned_at
      FROM amt_store.unprovisioned u JOIN amt_store.computer c USING (uuid);
COMMENT ON VIEW amt.unprovisioned IS 'Computers that an operator had unprovisioned: their Hellos start no job until a provision job is requested';
COMMENT ON COLUMN amt.unprovisioned.unprovisioned_at IS 'When it was done; NULL: not yet';

-- A cancelled request is none. What was done stays done.
CREATE FUNCTION amt_store.forget_cancelled_unprovision() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM amt_store.unprovisioned u WHERE u.uuid = NEW.uuid AND u.unprovisioned_at IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER unprovision_cancelled AFTER UPDATE OF state ON amt_store.job
    FOR EACH ROW WHEN (NEW.state = 'cancelled' AND NEW.kind IN ('unprovision', 'unprovision-partially'))
    EXECUTE FUNCTION amt_store.forget_cancelled_unprovision();

-- ---- which password of a profile's user a computer has ---------------------------------------------

-- Firmware tells no password back. Versions are never used twice, so that they also tell users of the same name in
-- two profiles apart.
CREATE SEQUENCE amt_store.password_version;
ALTER TABLE amt_store.profile_user ADD COLUMN password_version bigint;
UPDATE amt_store.profile_user SET password_version = nextval('amt_store.password_version') WHERE ciphertext IS NOT NULL;

CREATE FUNCTION amt_store.number_password() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.ciphertext IS NULL THEN
        NEW.password_version := NULL;
    ELSIF TG_OP = 'INSERT' OR (NEW.ciphertext IS DISTINCT FROM OLD.ciphertext
                               AND current_setting('amt.key_rotation', true) IS DISTINCT FROM 'on') THEN
        NEW.password_version := nextval('amt_store.password_version');
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER password_numbered BEFORE INSERT OR UPDATE ON amt_store.profile_user
    FOR EACH ROW EXECUTE FUNCTION amt_store.number_password();
-- Under another key it is the same password.
ALTER FUNCTION amt.sealed_replace(text, text, bytea, amt.sealed) SET amt.key_rotation = 'on';

CREATE TABLE amt_store.computer_user (
    uuid             uuid NOT NULL REFERENCES amt_store.computer ON DELETE CASCADE,
    name             text NOT NULL,
    password_version bigint NOT NULL,
    written_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (uuid, name)
);

-- ---- requests --------------------------------------------------------------------------------------

CREATE FUNCTION amt_store.job_kind_must_exist(kind text) RETURNS amt_store.job_kind
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_kind amt_store.job_kind;
BEGIN
    SELECT * INTO found_kind FROM amt_store.job_kind k WHERE k.kind = job_kind_must_exist.kind;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no job of kind %', kind
            USING ERRCODE = 'AM003',
                  HINT = 'ask for ' || (SELECT string_agg(k.kind, ', ' ORDER BY k.kind) FROM amt_store.job_kind k);
    END IF;
    RETURN found_kind;
END
$$;

-- What an operator asks for last holds: provision ends the wish to have it unprovisioned.
CREATE FUNCTION amt_store.note_wish(uuids uuid[], kind text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    IF kind = 'provision' THEN
        DELETE FROM amt_store.unprovisioned u WHERE u.uuid = ANY (uuids);
    ELSIF kind IN ('unprovision', 'unprovision-partially') THEN
        INSERT INTO amt_store.unprovisioned AS u (uuid) SELECT w.uuid FROM unnest(uuids) AS w (uuid)
            ON CONFLICT ON CONSTRAINT unprovisioned_pkey DO UPDATE
           SET requested_at = now(), requested_by = session_user, unprovisioned_at = NULL;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION amt.request_job(uuid uuid, kind text DEFAULT 'provision') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_kind amt_store.job_kind := amt_store.job_kind_must_exist(kind);
    found_computer amt_store.computer := amt_store.computer_must_exist(uuid);
    open_job bigint;
    new_job bigint;
BEGIN
    IF found_computer.blocked THEN
        RAISE EXCEPTION 'computer % is blocked: %', uuid, coalesce(found_computer.blocked_why, 'no reason given')
            USING ERRCODE = 'AM002', HINT = 'unblock it first: amt.unblock(uuid)';
    END IF;
    IF found_computer.managed_in_band AND kind = 'provision' THEN
        RAISE EXCEPTION 'computer % is provisioned by its client agent', uuid
            USING ERRCODE = 'AM002', HINT = 'move it to out-of-band management first';
    END IF;
    IF found_kind.wants_provisioned AND found_computer.amt_status IS DISTINCT FROM 3 THEN
        RAISE EXCEPTION 'computer % is not provisioned by this site', uuid
            USING ERRCODE = 'AM002', HINT = 'ask for provision, or for discover when you think that it is';
    END IF;
    SELECT j.id INTO open_job FROM amt_store.job j
     WHERE j.uuid = request_job.uuid AND j.state IN ('waiting', 'leased');
    IF FOUND THEN
        RAISE EXCEPTION 'computer % has an open job already: %', uuid, open_job
            USING ERRCODE = 'AM002', HINT = 'wait for it, or cancel it: amt.cancel_job(' || open_job || ')';
    END IF;
    PERFORM amt_store.note_wish(ARRAY[uuid], kind);
    INSERT INTO amt_store.job (uuid, kind, requested_by, heard_by, reason)
    VALUES (uuid, kind, session_user,
            (SELECT h.service_point FROM amt_store.hello h WHERE h.uuid = request_job.uuid),
            CASE WHEN found_computer.address IS NULL
                 THEN 'waits for the computer''s Hello, because its address is not known' END)
    RETURNING id INTO new_job;
    PERFORM pg_notify('amt_job', new_job::text);
    RETURN new_job;
END
$$;
COMMENT ON FUNCTION amt.request_job IS 'Asks for a job of a kind of amt.job_kind; the site server takes it up at once. Returns its number';

-- "not-provisioned" and "not provisioned" are the same; a number is taken as well. -1: unknown.
CREATE FUNCTION amt_store.status_must_exist(status text) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    wanted text := translate(lower(status), '-_', '  ');
    number integer := CASE WHEN wanted = 'unknown' THEN -1
                           ELSE (SELECT s.status FROM amt_store.status_name s
                                  WHERE s.name = wanted OR s.status::text = wanted) END;
BEGIN
    IF number IS NULL THEN
        RAISE EXCEPTION 'there is no status %', status
            USING ERRCODE = 'AM003',
                  HINT = 'give one of: unknown, ' || (SELECT string_agg(s.name, ', ' ORDER BY s.status) FROM amt_store.status_name s);
    END IF;
    RETURN number;
END
$$;

CREATE FUNCTION amt.request_jobs(kind text, profile text DEFAULT NULL, status text DEFAULT NULL)
RETURNS TABLE (requested bigint, with_open_job bigint, left_out bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_kind amt_store.job_kind := amt_store.job_kind_must_exist(kind);
    wanted_status integer := CASE WHEN status IS NOT NULL THEN amt_store.status_must_exist(status) END;
    new_uuids uuid[];
BEGIN
    IF profile IS NOT NULL THEN
        PERFORM amt_store.profile_must_exist(profile);
    END IF;
    WITH chosen AS MATERIALIZED (
        SELECT c.uuid, c.address,
               NOT c.blocked AND NOT (c.managed_in_band AND kind = 'provision')
               AND NOT (found_kind.wants_provisioned AND c.amt_status IS DISTINCT FROM 3) AS suits
          FROM amt_store.computer c
         WHERE (profile IS NULL OR c.profile = request_jobs.profile)
           AND (wanted_status IS NULL OR coalesce(c.amt_status, -1) = wanted_status)
         ORDER BY c.uuid
           FOR NO KEY UPDATE
    ), asked AS (
        INSERT INTO amt_store.job (uuid, kind, requested_by, heard_by, reason)
        SELECT n.uuid, kind, session_user, h.service_point,
               CASE WHEN n.address IS NULL THEN 'waits for the computer''s Hello, because its address is not known' END
          FROM chosen n LEFT JOIN amt_store.hello h USING (uuid)
         WHERE n.suits
         ORDER BY n.uuid
            ON CONFLICT (uuid) WHERE state IN ('waiting', 'leased') DO NOTHING
        RETURNING job.uuid
    )
    SELECT (SELECT count(*) FROM asked), (SELECT array_agg(a.uuid) FROM asked a),
           count(*) FILTER (WHERE n.suits) - (SELECT count(*) FROM asked), count(*) FILTER (WHERE NOT n.suits)
      INTO requested, new_uuids, with_open_job, left_out
      FROM chosen n;
    PERFORM amt_store.note_wish(coalesce(new_uuids, '{}'), kind);
    PERFORM amt_store.audit_write('jobs requested', NULL,
                                  concat_ws(', ', kind, 'profile ' || profile, 'status ' || status) || ': ' || requested);
    PERFORM pg_notify('amt_job', '');
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION amt.request_jobs IS 'Asks for a job for every computer, or those with this profile and status. Those with an open job are skipped and counted; left out are the blocked and those that are not in a state for it';

-- ---- who may do what -------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION amt.request_jobs FROM PUBLIC;
REVOKE ALL ON FUNCTION amt_store.forget_cancelled_unprovision, amt_store.number_password, amt_store.job_kind_must_exist,
    amt_store.note_wish, amt_store.status_must_exist FROM PUBLIC;
GRANT EXECUTE ON FUNCTION amt.request_jobs TO amt_operator;
GRANT SELECT ON amt.job_kind, amt.unprovisioned TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON amt_store.job_kind, amt_store.unprovisioned, amt_store.computer_user TO amt_site_server;
