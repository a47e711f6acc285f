-- 0006_in_band.sql: computers that are provisioned by their client agents (spec 3): enrolment tokens, agents and their
-- keys, policy, one-time passwords, how each computer was proven, alarms.

-- The text of a token is nowhere in the database; it is random enough that its plain hash tells nothing.
CREATE TABLE amt_store.enrolment_token (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$'),
    hash         bytea NOT NULL UNIQUE CHECK (length(hash) = 32), -- SHA-256 of the text
    uuid         uuid, -- the one computer that may use it; it need not be known yet; NULL: any
    created_at   timestamptz NOT NULL DEFAULT now(),
    created_by   text NOT NULL DEFAULT session_user,
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    revoked_by   text,
    uses         bigint NOT NULL DEFAULT 0, -- keys that it bound
    last_used_at timestamptz
);

CREATE TABLE amt_store.agent (
    uuid              uuid PRIMARY KEY REFERENCES amt_store.computer ON DELETE CASCADE,
    key               text UNIQUE, -- CURVE public key, Z85; NULL: an operator unbound it
    token             bigint REFERENCES amt_store.enrolment_token,
    bound_at          timestamptz NOT NULL DEFAULT now(),
    last_seen         timestamptz NOT NULL DEFAULT now(),
    address           inet, -- that its connection came from
    agent_version     text,
    wired_address     inet,
    wired_prefix_bits smallint CHECK (wired_prefix_bits BETWEEN 1 AND 128),
    mac               macaddr,
    dns_suffix        text,
    root_hashes       text[] NOT NULL DEFAULT '{}', -- active ones, 'SHA-256:<hex>'
    setup_state       text CHECK (setup_state IN ('pre', 'in', 'post')),
    control_mode      text CHECK (control_mode IN ('none', 'client', 'admin')),
    amt_disabled      boolean NOT NULL DEFAULT false,
    check_reason_code text, -- of the last check that failed; NULL: none since the last registration
    check_text        text,
    check_status      bigint,
    checked_at        timestamptz
) WITH (fillfactor = 80);

-- What agents are told. A computer's word goes before its profile's.
CREATE TABLE amt_store.in_band_profile (
    profile     text PRIMARY KEY REFERENCES amt_store.profile ON DELETE CASCADE,
    provision   boolean NOT NULL DEFAULT true,
    enable_amt  boolean NOT NULL DEFAULT false,
    root_hashes text[] -- NULL: those of the service points' provisioning certificates
);
CREATE TABLE amt_store.in_band_computer (
    uuid       uuid PRIMARY KEY REFERENCES amt_store.computer ON DELETE CASCADE,
    provision  boolean, -- NULL, as the next: as the profile says
    enable_amt boolean
);

CREATE TABLE amt_store.one_time_password (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uuid          uuid NOT NULL REFERENCES amt_store.computer ON DELETE CASCADE,
    salt          bytea NOT NULL CHECK (length(salt) BETWEEN 16 AND 64),
    hash          bytea NOT NULL CHECK (length(hash) = 32), -- SHA-256 over salt and password
    state         text NOT NULL DEFAULT 'registered' CHECK (state IN ('registered', 'activated', 'used', 'refused', 'replaced')),
    registered_at timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    activated_at  timestamptz,
    ended_at      timestamptz,
    job           bigint -- the one that it is for
);
CREATE UNIQUE INDEX one_time_password_open ON amt_store.one_time_password (uuid) WHERE state IN ('registered', 'activated');
CREATE INDEX one_time_password_of_computer ON amt_store.one_time_password (uuid, id);
CREATE INDEX one_time_password_of_job ON amt_store.one_time_password (job) WHERE state = 'activated';

-- How a computer that this site provisioned showed that it was the one.
CREATE TABLE amt_store.proof (
    uuid      uuid PRIMARY KEY REFERENCES amt_store.computer ON DELETE CASCADE,
    proven_by text NOT NULL CHECK (proven_by IN ('otp', 'import')),
    proven_at timestamptz NOT NULL DEFAULT now(),
    job       bigint NOT NULL
);

CREATE TABLE amt_store.alarm (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code            text NOT NULL,
    uuid            uuid NOT NULL REFERENCES amt_store.computer ON DELETE CASCADE,
    address         inet,
    text            text NOT NULL,
    raised_at       timestamptz NOT NULL DEFAULT now(),
    last_at         timestamptz NOT NULL DEFAULT now(),
    count           bigint NOT NULL DEFAULT 1,
    acknowledged_at timestamptz,
    acknowledged_by text
);
-- Whoever causes one a thousand times makes one row.
CREATE UNIQUE INDEX alarm_open ON amt_store.alarm (uuid, code) WHERE acknowledged_at IS NULL;

CREATE FUNCTION amt_store.raise_alarm(code text, computer uuid, address inet, alarm_text text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO amt_store.alarm AS a (code, uuid, address, text) VALUES ($1, $2, $3, $4)
        ON CONFLICT (uuid, code) WHERE acknowledged_at IS NULL DO UPDATE
       SET last_at = now(), count = a.count + 1, address = EXCLUDED.address, text = EXCLUDED.text;
$$;

-- A one-time password ends with the job that it is for, however that ends.
CREATE FUNCTION amt_store.close_provisioning() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    refused boolean := NEW.state = 'failed' AND NEW.reason_code = 'identity-not-proven';
    had_password boolean;
BEGIN
    UPDATE amt_store.one_time_password o
       SET state = CASE WHEN refused THEN 'refused' ELSE 'used' END, ended_at = now()
     WHERE o.job = NEW.id AND o.state = 'activated';
    had_password := FOUND;
    IF NEW.state = 'done' THEN
        INSERT INTO amt_store.proof AS p (uuid, proven_by, job)
        VALUES (NEW.uuid, CASE WHEN had_password THEN 'otp' ELSE 'import' END, NEW.id)
            ON CONFLICT ON CONSTRAINT proof_pkey DO UPDATE
           SET proven_by = EXCLUDED.proven_by, proven_at = now(), job = EXCLUDED.job;
    ELSIF refused AND had_password THEN
        PERFORM amt_store.raise_alarm(NEW.reason_code, NEW.uuid, (SELECT c.address FROM amt_store.computer c WHERE c.uuid = NEW.uuid),
                                      NEW.reason);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER provisioning_closed AFTER UPDATE OF state ON amt_store.job
    FOR EACH ROW WHEN (NEW.kind = 'provision' AND NEW.state IN ('done', 'failed', 'cancelled') AND OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION amt_store.close_provisioning();

INSERT INTO amt_store.proof (uuid, proven_by, proven_at, job)
SELECT c.uuid, 'import', c.provisioned_at, max(j.id)
  FROM amt_store.computer c JOIN amt_store.job j ON j.uuid = c.uuid AND j.kind = 'provision' AND j.state = 'done'
 WHERE c.provisioned_at IS NOT NULL
 GROUP BY c.uuid;

-- ---- views -----------------------------------------------------------------------------------------

CREATE VIEW amt.enrolment_token AS
    SELECT t.id, t.name, t.uuid, c.fqdn,
           CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked' WHEN t.expires_at <= now() THEN 'expired' ELSE 'good' END AS state,
           t.created_at, t.created_by, t.expires_at, t.revoked_at, t.revoked_by, t.uses, t.last_used_at
      FROM amt_store.enrolment_token t LEFT JOIN amt_store.computer c USING (uuid);
COMMENT ON VIEW amt.enrolment_token IS 'Tokens with which client agents enrol; their texts were shown once, when they were made';
COMMENT ON COLUMN amt.enrolment_token.uuid IS 'The one computer that may use it; NULL: any computer of the site';
COMMENT ON COLUMN amt.enrolment_token.state IS 'good, expired or revoked';
COMMENT ON COLUMN amt.enrolment_token.uses IS 'Keys of agents that it bound to a computer';

CREATE VIEW amt.agent AS
    SELECT a.uuid, c.fqdn, a.key AS public_key, t.name AS token, a.bound_at, a.last_seen, host(a.address) AS address,
           a.agent_version, host(a.wired_address) AS wired_address, a.wired_prefix_bits, a.mac, a.dns_suffix, a.root_hashes,
           a.setup_state, a.control_mode, a.amt_disabled, a.check_reason_code, a.check_text, a.check_status, a.checked_at
      FROM amt_store.agent a JOIN amt_store.computer c USING (uuid)
      LEFT JOIN amt_store.enrolment_token t ON t.id = a.token;
COMMENT ON VIEW amt.agent IS 'Client agents that enrolled, and what they said of their computers';
COMMENT ON COLUMN amt.agent.public_key IS 'CURVE key that the computer''s UUID is bound to, Z85; NULL: unbound, the next agent with a token is bound';
COMMENT ON COLUMN amt.agent.address IS 'Where the agent''s last connection came from';
COMMENT ON COLUMN amt.agent.wired_address IS 'Address of the wired interface: there a service point reaches the firmware';
COMMENT ON COLUMN amt.agent.root_hashes IS 'Active trusted roots of the firmware, ALGORITHM:HASH';
COMMENT ON COLUMN amt.agent.setup_state IS 'pre, in (setup) or post (provisioned), as the firmware said when the agent came last';
COMMENT ON COLUMN amt.agent.check_reason_code IS 'Why the agent could not begin the setup; see amt.reason';
COMMENT ON COLUMN amt.agent.check_status IS 'Status that the firmware gave (AMT_STATUS); NULL: no call failed';

CREATE VIEW amt.in_band_policy AS
    SELECT c.uuid, c.fqdn, c.profile, coalesce(w.provision, p.provision, true) AS provision,
           coalesce(w.enable_amt, p.enable_amt, false) AS enable_amt, p.root_hashes,
           w.provision AS own_provision, w.enable_amt AS own_enable_amt
      FROM amt_store.computer c
      LEFT JOIN amt_store.in_band_profile p USING (profile)
      LEFT JOIN amt_store.in_band_computer w ON w.uuid = c.uuid
     WHERE c.managed_in_band;
COMMENT ON VIEW amt.in_band_policy IS 'What the agents of computers that are managed in band are told';
COMMENT ON COLUMN amt.in_band_policy.root_hashes IS 'Roots that count; NULL: those of the service points'' certificates';
COMMENT ON COLUMN amt.in_band_policy.own_provision IS 'The computer''s own setting; NULL: its profile''s counts. The next column likewise';

CREATE VIEW amt.one_time_password AS
    SELECT o.id, o.uuid, c.fqdn,
           CASE WHEN o.state = 'registered' AND o.expires_at <= now() THEN 'expired' ELSE o.state END AS state,
           o.registered_at, o.expires_at, o.activated_at, o.ended_at, o.job
      FROM amt_store.one_time_password o JOIN amt_store.computer c USING (uuid);
COMMENT ON VIEW amt.one_time_password IS 'One-time passwords that agents registered, without their hashes';
COMMENT ON COLUMN amt.one_time_password.state IS 'registered, activated (there is a job), used, refused (the firmware held another), replaced (by a newer one) or expired';

CREATE VIEW amt.computer_identity AS
    SELECT c.uuid, c.fqdn, CASE WHEN c.managed_in_band THEN 'in band' ELSE 'out of band' END AS management,
           p.proven_by, p.proven_at, p.job
      FROM amt_store.computer c LEFT JOIN amt_store.proof p ON p.uuid = c.uuid AND c.amt_status = 3;
COMMENT ON VIEW amt.computer_identity IS 'How each computer is managed, and how the one that was provisioned was known to be it';
COMMENT ON COLUMN amt.computer_identity.proven_by IS 'otp: the firmware held the one-time password that the computer''s agent registered; import: its UUID was imported; NULL: not provisioned';

CREATE VIEW amt.alarm AS
    SELECT a.id, a.code, a.uuid, c.fqdn, host(a.address) AS address, a.text, a.raised_at, a.last_at, a.count,
           a.acknowledged_at, a.acknowledged_by
      FROM amt_store.alarm a JOIN amt_store.computer c USING (uuid);
COMMENT ON VIEW amt.alarm IS 'What looks as if somebody were claiming to be a computer that he is not';
COMMENT ON COLUMN amt.alarm.code IS 'See amt.reason';
COMMENT ON COLUMN amt.alarm.count IS 'How often since it was raised';
COMMENT ON COLUMN amt.alarm.acknowledged_at IS 'NULL: nobody looked yet; see amt.acknowledge_alarm()';

-- ---- functions for operators -----------------------------------------------------------------------

CREATE FUNCTION amt.token_create(name text, hash bytea, lifetime interval, uuid uuid DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    made bigint;
BEGIN
    IF name IS NULL OR name !~ '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$' THEN
        RAISE EXCEPTION 'a token cannot be called "%"', name
            USING ERRCODE = 'AM003', HINT = 'use 1 to 64 letters, digits, spaces and . _ -, beginning with a letter or digit';
    END IF;
    IF hash IS NULL OR length(hash) <> 32 THEN
        RAISE EXCEPTION 'token %: the hash has not 32 bytes', name
            USING ERRCODE = 'AM003', HINT = 'give the SHA-256 of its text, or use amtctl token create';
    END IF;
    IF lifetime IS NULL OR lifetime < interval '1 second' OR lifetime > interval '3650 days' THEN
        RAISE EXCEPTION 'token %: it cannot last %', name, lifetime
            USING ERRCODE = 'AM003', HINT = 'give 1 second to 3650 days';
    END IF;
    INSERT INTO amt_store.enrolment_token (name, hash, uuid, expires_at)
    VALUES (name, hash, uuid, now() + lifetime) RETURNING id INTO made;
    PERFORM amt_store.audit_write('enrolment token made', uuid, name);
    RETURN made;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'there is a token % already', name
        USING ERRCODE = 'AM002', HINT = 'give another name';
END
$$;
COMMENT ON FUNCTION amt.token_create IS 'Makes an enrolment token good; its text is made by amtctl, only the hash comes here. Returns its number';

CREATE FUNCTION amt.token_revoke(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_token amt_store.enrolment_token;
BEGIN
    SELECT * INTO found_token FROM amt_store.enrolment_token t WHERE t.name = token_revoke.name FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no token %', name USING ERRCODE = 'AM001', HINT = 'see amt.enrolment_token';
    END IF;
    IF found_token.revoked_at IS NOT NULL THEN
        RAISE EXCEPTION 'token % was revoked already', name USING ERRCODE = 'AM002', HINT = 'nothing is left to be done';
    END IF;
    UPDATE amt_store.enrolment_token t SET revoked_at = now(), revoked_by = session_user WHERE t.id = found_token.id;
    PERFORM amt_store.audit_write('enrolment token revoked', found_token.uuid, name);
END
$$;
COMMENT ON FUNCTION amt.token_revoke IS 'Makes an enrolment token useless; agents that it bound stay bound';

-- A job that the other way of provisioning asked for, and a password that is not used any more, go.
CREATE FUNCTION amt_store.forget_setup(computer uuid, why text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM amt_store.cancel_open_job(j.id, why)
       FROM amt_store.job j WHERE j.uuid = computer AND j.state = 'waiting' AND j.kind = 'provision';
    UPDATE amt_store.one_time_password o SET state = 'replaced', ended_at = now()
     WHERE o.uuid = computer AND o.state IN ('registered', 'activated')
       AND NOT EXISTS (SELECT FROM amt_store.job j WHERE j.id = o.job AND j.state = 'leased');
END
$$;

CREATE FUNCTION amt.set_in_band(uuid uuid, wanted boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_computer amt_store.computer := amt_store.computer_must_exist(uuid);
    management text := CASE WHEN wanted THEN 'in-band' ELSE 'out-of-band' END;
BEGIN
    IF found_computer.managed_in_band <> wanted THEN
        PERFORM amt_store.forget_setup(uuid, 'the computer was moved to ' || management || ' management by ' || session_user);
        UPDATE amt_store.computer c
           SET managed_in_band = wanted,
               address = CASE WHEN wanted THEN coalesce((SELECT a.wired_address FROM amt_store.agent a WHERE a.uuid = c.uuid), c.address)
                              ELSE c.address END
         WHERE c.uuid = set_in_band.uuid;
    END IF;
    IF wanted THEN
        DELETE FROM amt_store.unprovisioned u WHERE u.uuid = set_in_band.uuid;
    END IF;
    PERFORM amt_store.audit_write('computer managed ' || management, uuid, NULL);
END
$$;
COMMENT ON FUNCTION amt.set_in_band IS 'True: the computer is provisioned by its client agent, its Hellos are discarded. False: by its Hellos. True also ends the wish of a former unprovision job';

CREATE FUNCTION amt.set_in_band_policy(uuid uuid, provision boolean DEFAULT NULL, enable_amt boolean DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.computer_must_exist(uuid);
    INSERT INTO amt_store.in_band_computer (uuid, provision, enable_amt) VALUES (uuid, provision, enable_amt)
        ON CONFLICT ON CONSTRAINT in_band_computer_pkey DO UPDATE
       SET provision = EXCLUDED.provision, enable_amt = EXCLUDED.enable_amt;
    PERFORM amt_store.audit_write('in-band policy of computer set', uuid,
                                  concat_ws(' ', 'provision=' || provision, 'enable_amt=' || enable_amt));
END
$$;
COMMENT ON FUNCTION amt.set_in_band_policy IS 'What the agent of one computer is told; NULL: what its profile says';

CREATE FUNCTION amt.profile_set_in_band(profile text, provision boolean DEFAULT true, enable_amt boolean DEFAULT false,
                                        root_hashes text[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    wrong text;
BEGIN
    PERFORM amt_store.profile_must_exist(profile);
    SELECT h INTO wrong FROM unnest(root_hashes) h
     WHERE h !~ '^(SHA-1:[0-9a-f]{40}|SHA-256:[0-9a-f]{64}|SHA-384:[0-9a-f]{96})$' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'profile %: "%" is no root hash', profile, wrong
            USING ERRCODE = 'AM003', HINT = 'give SHA-256: and 64 hexadecimal digits, as amt.service_point shows them';
    END IF;
    INSERT INTO amt_store.in_band_profile (profile, provision, enable_amt, root_hashes)
    VALUES (profile, provision, enable_amt, root_hashes)
        ON CONFLICT ON CONSTRAINT in_band_profile_pkey DO UPDATE
       SET provision = EXCLUDED.provision, enable_amt = EXCLUDED.enable_amt, root_hashes = EXCLUDED.root_hashes;
    PERFORM amt_store.audit_write('in-band policy of profile set', NULL,
                                  concat_ws(' ', profile, 'provision=' || provision, 'enable_amt=' || enable_amt,
                                            'root_hashes=' || array_to_string(root_hashes, ',')));
END
$$;
COMMENT ON FUNCTION amt.profile_set_in_band IS 'What the agents of computers with this profile are told: provision or not, whether a firmware that is switched off may be switched on, which roots count';

CREATE FUNCTION amt.unbind_agent(uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    former text;
BEGIN
    PERFORM amt_store.computer_must_exist(uuid);
    SELECT a.key INTO former FROM amt_store.agent a WHERE a.uuid = unbind_agent.uuid AND a.key IS NOT NULL FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'computer % is bound to no agent', uuid
            USING ERRCODE = 'AM002', HINT = 'nothing is left to be done: the next agent with a token is bound';
    END IF;
    UPDATE amt_store.agent a SET key = NULL WHERE a.uuid = unbind_agent.uuid;
    PERFORM amt_store.forget_setup(uuid, 'the computer''s agent was unbound by ' || session_user);
    PERFORM amt_store.audit_write('agent unbound', uuid, former);
END
$$;
COMMENT ON FUNCTION amt.unbind_agent IS 'Lets another agent enrol for a computer, with a token, such as after its disk was replaced';

CREATE FUNCTION amt.acknowledge_alarm(id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    computer uuid;
BEGIN
    UPDATE amt_store.alarm a SET acknowledged_at = now(), acknowledged_by = session_user
     WHERE a.id = acknowledge_alarm.id AND a.acknowledged_at IS NULL
    RETURNING a.uuid INTO computer;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no alarm % that waits for somebody to look', id
            USING ERRCODE = 'AM001', HINT = 'see amt.alarm';
    END IF;
    PERFORM amt_store.audit_write('alarm acknowledged', computer, 'alarm ' || id);
END
$$;
COMMENT ON FUNCTION amt.acknowledge_alarm IS 'Says that somebody looked at an alarm; the same thing later raises a new one';

-- ---- who may do what -------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION amt.token_create, amt.token_revoke, amt.set_in_band, amt.set_in_band_policy, amt.profile_set_in_band,
    amt.unbind_agent, amt.acknowledge_alarm FROM PUBLIC;
REVOKE ALL ON FUNCTION amt_store.raise_alarm, amt_store.close_provisioning, amt_store.forget_setup FROM PUBLIC;
GRANT EXECUTE ON FUNCTION amt.token_create, amt.token_revoke, amt.set_in_band, amt.set_in_band_policy,
    amt.profile_set_in_band, amt.unbind_agent, amt.acknowledge_alarm TO amt_operator;
GRANT EXECUTE ON FUNCTION amt_store.raise_alarm, amt_store.forget_setup, amt_store.cancel_open_job TO amt_site_server;
GRANT SELECT ON amt.enrolment_token, amt.agent, amt.in_band_policy, amt.one_time_password, amt.computer_identity, amt.alarm
    TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON amt_store.enrolment_token, amt_store.agent, amt_store.in_band_profile,
    amt_store.in_band_computer, amt_store.one_time_password, amt_store.proof, amt_store.alarm TO amt_site_server;
