-- 0001_provisioning.sql: everything that out-of-band provisioning needs.
-- Schema amt is the interface: views and functions. Schema amt_store holds the tables and belongs to the
-- site server alone. Applied once, in one transaction, by `amt-site-server --migrate`.

-- Roles are shared by all databases of a cluster: another database may have made them already, even now.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['amt_reader', 'amt_operator', 'amt_secret_reader', 'amt_administrator',
                                     'amt_site_server'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
END
$$;

CREATE SCHEMA amt;
CREATE SCHEMA amt_store;
COMMENT ON SCHEMA amt IS 'AMT provisioning: the views and functions that people and tools use';
COMMENT ON SCHEMA amt_store IS 'AMT provisioning: the tables behind schema amt; only the site server reads and writes them';

-- ---- what is there ---------------------------------------------------------------------------------

CREATE TABLE amt_store.schema_version (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE amt_store.reason (
    code    text PRIMARY KEY,
    retry   boolean NOT NULL,
    status  smallint,
    meaning text NOT NULL,
    remedy  text NOT NULL
);

CREATE TABLE amt_store.status_name (
    status smallint PRIMARY KEY,
    name   text NOT NULL
);
INSERT INTO amt_store.status_name VALUES
    (0, 'not supported'), (1, 'detected'), (2, 'not provisioned'), (3, 'provisioned'), (4, 'externally provisioned');

CREATE TABLE amt_store.realm (
    number integer PRIMARY KEY,
    name   text NOT NULL UNIQUE
);
-- AMT SDK: AMT_AuthorizationService.AddUserAclEntryEx, Realms; reserved numbers are left out.
INSERT INTO amt_store.realm VALUES
    (2, 'Redirection'), (3, 'PTAdministration'), (4, 'HardwareAsset'), (5, 'RemoteControl'), (6, 'Storage'),
    (7, 'EventManager'), (8, 'StorageAdmin'), (9, 'AgentPresenceLocal'), (10, 'AgentPresenceRemote'),
    (11, 'CircuitBreaker'), (12, 'NetworkTime'), (13, 'GeneralInfo'), (14, 'FirmwareUpdate'), (15, 'EIT'),
    (16, 'LocalUN'), (17, 'EndpointAccessControl'), (18, 'EndpointAccessControlAdmin'),
    (19, 'EventLogReader'), (20, 'AuditLog'), (21, 'ACL'), (24, 'LocalSystem');

CREATE TABLE amt_store.profile (
    name            text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$'),
    ping            boolean NOT NULL DEFAULT true,
    web_interface   boolean NOT NULL DEFAULT true,
    serial_over_lan boolean NOT NULL DEFAULT true,
    ide_redirection boolean NOT NULL DEFAULT true,
    kvm             boolean NOT NULL DEFAULT true,
    user_consent    text NOT NULL DEFAULT 'none' CHECK (user_consent IN ('none', 'kvm', 'all')),
    power           text NOT NULL DEFAULT 'always-on' CHECK (power IN ('always-on', 's0')),
    mebx_password   text NOT NULL DEFAULT 'random' CHECK (mebx_password IN ('leave', 'random', 'shared')),
    first_stage     text NOT NULL DEFAULT 'auto' CHECK (first_stage IN ('auto', 'eoi', 'wsman')),
    tls             text NOT NULL DEFAULT 'server' CHECK (tls IN ('server', 'mutual')),
    mebx_key_id     text,  -- the shared MEBx password, sealed
    mebx_nonce      bytea,
    mebx_ciphertext bytea,
    changed_at      timestamptz NOT NULL DEFAULT now(),
    changed_by      text NOT NULL DEFAULT session_user,
    CONSTRAINT profile_sealed_whole CHECK (num_nonnulls(mebx_key_id, mebx_nonce, mebx_ciphertext) = 0
        OR num_nonnulls(mebx_key_id, mebx_nonce, mebx_ciphertext) = 3
           AND length(mebx_nonce) = 12 AND length(mebx_ciphertext) >= 16)
);
INSERT INTO amt_store.profile (name) VALUES ('default');

CREATE TABLE amt_store.profile_user (
    profile    text NOT NULL REFERENCES amt_store.profile ON DELETE CASCADE,
    name       text NOT NULL,
    sid        bytea,      -- of a directory user or group; then there is no password
    access     smallint NOT NULL CHECK (access BETWEEN 0 AND 2),
    realms     integer[] NOT NULL,
    key_id     text,
    nonce      bytea,
    ciphertext bytea,
    PRIMARY KEY (profile, name),
    CHECK ((sid IS NULL) = (ciphertext IS NOT NULL)),
    CONSTRAINT profile_user_sealed_whole CHECK (num_nonnulls(key_id, nonce, ciphertext) = 0
        OR num_nonnulls(key_id, nonce, ciphertext) = 3 AND length(nonce) = 12 AND length(ciphertext) >= 16)
);

CREATE TABLE amt_store.computer (
    uuid             uuid PRIMARY KEY,
    short_name       text NOT NULL,
    fqdn             text NOT NULL,
    mac              macaddr,
    address          inet,
    amt_status       smallint REFERENCES amt_store.status_name,
    reason_code      text,
    reason           text,
    firmware_version text,
    provisioned_at   timestamptz,
    profile          text NOT NULL DEFAULT 'default' REFERENCES amt_store.profile,
    blocked          boolean NOT NULL DEFAULT false,
    blocked_why      text,
    managed_in_band  boolean NOT NULL DEFAULT false,
    auto_reprovision boolean NOT NULL DEFAULT true,
    last_hello_at    timestamptz,
    imported_at      timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX computer_fqdn ON amt_store.computer (lower(fqdn));
CREATE INDEX computer_profile ON amt_store.computer (profile) WHERE profile <> 'default';

CREATE TABLE amt_store.service_point (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key              text NOT NULL UNIQUE, -- CURVE public key, Z85
    name             text UNIQUE,      -- given at the approval
    said_name        text,             -- what it calls itself
    state            text NOT NULL CHECK (state IN ('pending', 'approved', 'removed')),
    software_version text,
    slots            integer NOT NULL DEFAULT 0,
    free             integer NOT NULL DEFAULT 0,
    running          integer NOT NULL DEFAULT 0,
    subnets          cidr[] NOT NULL DEFAULT '{}',
    root_hashes      text[] NOT NULL DEFAULT '{}',
    certificates     jsonb NOT NULL DEFAULT '[]',
    counters         jsonb NOT NULL DEFAULT '{}',
    address          inet,             -- where it, or who knocks with its key, was seen last
    first_seen       timestamptz,
    registered_at    timestamptz,
    last_seen        timestamptz,
    connected_until  timestamptz,
    approved_at      timestamptz,
    approved_by      text
) WITH (fillfactor = 70);

-- One row a computer: its last Hello.
CREATE TABLE amt_store.hello (
    uuid            uuid PRIMARY KEY REFERENCES amt_store.computer ON DELETE CASCADE,
    address         inet NOT NULL,
    service_point   bigint NOT NULL,
    root_hashes     text[] NOT NULL, -- 'SHA-256:<hex>'
    retry_count     integer NOT NULL,
    credentials_set boolean NOT NULL,
    first_seen      timestamptz NOT NULL,
    last_seen       timestamptz NOT NULL,
    count           bigint NOT NULL,
    offered         boolean NOT NULL,
    reason_code     text,
    reason          text
) WITH (fillfactor = 80);

CREATE TABLE amt_store.unknown_hello (
    uuid          uuid PRIMARY KEY,
    address       inet NOT NULL,
    service_point bigint NOT NULL,
    root_hashes   text[] NOT NULL,
    first_seen    timestamptz NOT NULL,
    last_seen     timestamptz NOT NULL,
    count         bigint NOT NULL
);
CREATE INDEX unknown_hello_age ON amt_store.unknown_hello (last_seen);

CREATE TABLE amt_store.job (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uuid            uuid NOT NULL REFERENCES amt_store.computer,
    kind            text NOT NULL CHECK (kind IN ('provision')),
    state           text NOT NULL DEFAULT 'waiting'
                    CHECK (state IN ('waiting', 'leased', 'done', 'failed', 'cancelled')),
    attempt         integer NOT NULL DEFAULT 0,     -- number of the newest one
    failures        integer NOT NULL DEFAULT 0,     -- attempts that count against job.attempts
    service_point   bigint,                         -- of the newest attempt
    heard_by        bigint,                         -- service point that heard the Hello
    reason_code     text,
    reason          text,
    requested_at    timestamptz NOT NULL DEFAULT now(),
    requested_by    text NOT NULL,
    not_before      timestamptz NOT NULL DEFAULT now(),
    hello_ends_wait boolean NOT NULL DEFAULT true,  -- a Hello makes not_before now
    leased_until    timestamptz,
    started_at      timestamptz,
    finished_at     timestamptz
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX job_open ON amt_store.job (uuid) WHERE state IN ('waiting', 'leased');
CREATE INDEX job_of_computer ON amt_store.job (uuid, id);
CREATE INDEX job_waiting ON amt_store.job (not_before, id) WHERE state = 'waiting';
CREATE INDEX job_leased ON amt_store.job (leased_until) WHERE state = 'leased';

CREATE TABLE amt_store.job_attempt (
    job                bigint NOT NULL REFERENCES amt_store.job ON DELETE CASCADE,
    attempt            integer NOT NULL,
    service_point      bigint NOT NULL,
    leased_at          timestamptz NOT NULL DEFAULT now(),
    accepted_at        timestamptz,
    closed_at          timestamptz,
    outcome            text CHECK (outcome IN ('done', 'failed', 'declined', 'lease-over', 'cancelled')),
    reason_code        text,
    reason             text,
    accounts_offered   text[] NOT NULL DEFAULT '{}', -- references, in the order of the offer
    account_used       text,
    accounts_refused   text[] NOT NULL DEFAULT '{}',
    admin_secret       bigint,  -- offered as the new password
    admin_was_maybe    boolean, -- it may have been on the device already before this offer
    mebx_secret        bigint,
    mebx_was_maybe     boolean,
    device_fingerprint bytea,
    settings           text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (job, attempt)
) WITH (fillfactor = 70);

-- Without a foreign key: rows come by the dozen for each attempt, from steps_store alone, which looks at job_attempt.
CREATE TABLE amt_store.job_step (
    job         bigint NOT NULL,
    attempt     integer NOT NULL,
    started_at  timestamptz NOT NULL,
    number      text NOT NULL,
    name        text NOT NULL,
    finished_at timestamptz NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('done', 'unchanged', 'skipped', 'failed')),
    reason_code text,
    detail      text,
    PRIMARY KEY (job, attempt, number, name) -- a repeated report changes nothing
);

-- Logins that the firmware refused. The job says which candidates its next attempt leaves out, the time
-- how near the computer is to the firmware's lock-out.
CREATE TABLE amt_store.account_refused (
    uuid       uuid NOT NULL REFERENCES amt_store.computer ON DELETE CASCADE,
    job        bigint NOT NULL,
    attempt    integer NOT NULL,
    reference  text NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now(),
    assumed    boolean NOT NULL DEFAULT false, -- the attempt never reported; counts for the lock-out only
    PRIMARY KEY (uuid, job, attempt, reference)
);

CREATE TABLE amt_store.secret (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uuid            uuid NOT NULL REFERENCES amt_store.computer,
    kind            text NOT NULL CHECK (kind IN ('admin', 'mebx', 'directory')),
    state           text NOT NULL CHECK (state IN ('pending', 'active', 'superseded', 'imported')),
    maybe_on_device boolean NOT NULL,
    key_id          text NOT NULL,
    nonce           bytea NOT NULL CHECK (length(nonce) = 12),
    ciphertext      bytea NOT NULL CHECK (length(ciphertext) >= 16),
    mark            bytea, -- of an imported one: keyed hash, tells whether a second import brings the same
    created_at      timestamptz NOT NULL DEFAULT now(),
    activated_at    timestamptz
);
CREATE UNIQUE INDEX secret_one_of_a_state ON amt_store.secret (uuid, kind, state)
    WHERE state IN ('pending', 'active', 'imported');
CREATE INDEX secret_of_computer ON amt_store.secret (uuid, kind, id);

CREATE TABLE amt_store.account (
    name       text PRIMARY KEY,
    username   text NOT NULL,
    position   integer NOT NULL,
    key_id     text NOT NULL,
    nonce      bytea NOT NULL CHECK (length(nonce) = 12),
    ciphertext bytea NOT NULL CHECK (length(ciphertext) >= 16),
    added_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT account_position UNIQUE (position) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE amt_store.authority (
    fingerprint text PRIMARY KEY CHECK (fingerprint ~ '^[0-9a-f]{64}$'), -- SHA-256 of the certificate
    subject     text NOT NULL,
    serial      text NOT NULL, -- hexadecimal
    certificate bytea NOT NULL,
    key_id      text NOT NULL,
    nonce       bytea NOT NULL CHECK (length(nonce) = 12),
    ciphertext  bytea NOT NULL CHECK (length(ciphertext) >= 16),
    state       text NOT NULL CHECK (state IN ('active', 'retired')),
    not_before  timestamptz NOT NULL,
    not_after   timestamptz NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text NOT NULL
);
CREATE UNIQUE INDEX authority_one_active ON amt_store.authority (state) WHERE state = 'active';

CREATE TABLE amt_store.certificate (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uuid              uuid NOT NULL REFERENCES amt_store.computer,
    job               bigint NOT NULL,
    attempt           integer NOT NULL,
    authority         text NOT NULL REFERENCES amt_store.authority,
    serial            text NOT NULL, -- hexadecimal
    fqdn              text NOT NULL,
    key_fingerprint   bytea NOT NULL, -- SHA-256 of the SubjectPublicKeyInfo
    fingerprint       text NOT NULL,  -- SHA-256 of the certificate, hexadecimal
    certificate       bytea NOT NULL,
    state             text NOT NULL CHECK (state IN ('pending', 'active', 'superseded', 'revoked')),
    not_before        timestamptz NOT NULL,
    not_after         timestamptz NOT NULL,
    renew_at          timestamptz NOT NULL,
    issued_at         timestamptz NOT NULL DEFAULT now(),
    activated_at      timestamptz,
    revoked_at        timestamptz,
    revocation_reason smallint, -- RFC 5280 5.3.1
    UNIQUE (authority, serial)
);
CREATE UNIQUE INDEX certificate_of_request ON amt_store.certificate (job, key_fingerprint, fqdn) WHERE state <> 'revoked';
CREATE INDEX certificate_of_computer ON amt_store.certificate (uuid, state);
CREATE INDEX certificate_renewal ON amt_store.certificate (renew_at) WHERE state = 'active';

CREATE TABLE amt_store.audit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    who         text NOT NULL DEFAULT session_user,
    client      text DEFAULT coalesce(host(inet_client_addr()), 'local'),
    what        text NOT NULL,
    uuid        uuid,
    detail      text,
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    used        boolean NOT NULL DEFAULT false
);
CREATE INDEX audit_of_computer ON amt_store.audit (uuid) WHERE uuid IS NOT NULL;

-- Every encrypted value and what it is bound to; the associated data keeps one from standing for another.
CREATE VIEW amt_store.sealed_value AS
    SELECT 'secret' AS place, id::text AS id, uuid || '|' || kind AS associated_data, key_id, nonce, ciphertext
      FROM amt_store.secret
    UNION ALL
    SELECT 'account', name, 'account|' || name, key_id, nonce, ciphertext FROM amt_store.account
    UNION ALL
    SELECT 'profile_user', profile || '|' || name, 'profile|' || profile || '|' || name, key_id, nonce, ciphertext
      FROM amt_store.profile_user WHERE ciphertext IS NOT NULL
    UNION ALL
    SELECT 'profile', name, 'profile|' || name || '|$$mebx', mebx_key_id, mebx_nonce, mebx_ciphertext
      FROM amt_store.profile WHERE mebx_ciphertext IS NOT NULL
    UNION ALL
    SELECT 'authority', fingerprint, 'authority|' || fingerprint, key_id, nonce, ciphertext FROM amt_store.authority;

-- ---- views -----------------------------------------------------------------------------------------

-- MS-DTYP 2.4.2.2: revision, number of sub-authorities, authority in 6 bytes big-endian, then sub-authorities
-- of 4 bytes little-endian. As text S-1-AUTHORITY-SUB-SUB-...
CREATE FUNCTION amt_store.sid_text(sid bytea) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'S-' || get_byte(sid, 0) || '-' || ('x' || lpad(encode(substr(sid, 3, 6), 'hex'), 16, '0'))::bit(64)::bigint
           || coalesce((SELECT string_agg('-' || (get_byte(sid, i) + get_byte(sid, i + 1) * 256
                                                  + get_byte(sid, i + 2) * 65536 + get_byte(sid, i + 3)::bigint * 16777216),
                                          '' ORDER BY i)
                          FROM generate_series(8, length(sid) - 4, 4) i), '');
$$;

-- NULL for a text that is no SID, or one longer than the 28 bytes that AMT takes.
CREATE FUNCTION amt_store.sid_from_text(sid text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts text[] := string_to_array(sid, '-');
    bytes bytea;
BEGIN
    IF sid !~ '^S-1(-[0-9]{1,10}){2,6}$' OR EXISTS
        (SELECT FROM unnest(parts[3:]) p WHERE p::bigint > 4294967295) THEN
        RETURN NULL;
    END IF;
    bytes := '\x01'::bytea || set_byte('\x00', 0, array_length(parts, 1) - 3)
             || substr(int8send(parts[3]::bigint), 3, 6);
    FOR i IN 4 .. array_length(parts, 1) LOOP
        bytes := bytes || substr(int8send(parts[i]::bigint), 8, 1) || substr(int8send(parts[i]::bigint), 7, 1)
                 || substr(int8send(parts[i]::bigint), 6, 1) || substr(int8send(parts[i]::bigint), 5, 1);
    END LOOP;
    RETURN bytes;
END
$$;

CREATE VIEW amt.schema_version AS
    SELECT version, name, applied_at FROM amt_store.schema_version;
COMMENT ON VIEW amt.schema_version IS 'Schema changes that were applied to this database';

CREATE VIEW amt.reason AS
    SELECT r.code, r.retry, r.status AS amt_status, s.name AS amt_status_name, r.meaning, r.remedy
      FROM amt_store.reason r LEFT JOIN amt_store.status_name s USING (status);
COMMENT ON VIEW amt.reason IS 'Every reason code that other views show: what it means and what to do about it';
COMMENT ON COLUMN amt.reason.retry IS 'True: the job is tried again by itself. False: a person must change something first';
COMMENT ON COLUMN amt.reason.amt_status IS 'Status of a computer whose job ended for this reason; NULL: it keeps the one it has';

CREATE VIEW amt.realm AS
    SELECT number, name FROM amt_store.realm;
COMMENT ON VIEW amt.realm IS 'Rights that an account of a profile can have in the firmware';

CREATE VIEW amt.computer AS
    SELECT c.uuid, c.short_name, c.fqdn, c.mac, host(c.address) AS address, c.amt_status,
           coalesce(s.name, 'unknown') AS amt_status_name, c.reason_code, c.reason, c.firmware_version,
           c.provisioned_at, c.profile, c.blocked, c.blocked_why, c.managed_in_band, c.last_hello_at,
           c.imported_at, c.auto_reprovision,
           (SELECT max(j.id) FROM amt_store.job j WHERE j.uuid = c.uuid) AS last_job,
           (SELECT max(t.not_after) FROM amt_store.certificate t
             WHERE t.uuid = c.uuid AND t.state = 'active') AS certificate_not_after
      FROM amt_store.computer c LEFT JOIN amt_store.status_name s ON s.status = c.amt_status;
COMMENT ON VIEW amt.computer IS 'One row for each imported computer';
COMMENT ON COLUMN amt.computer.uuid IS 'SMBIOS UUID: the identity of the computer';
COMMENT ON COLUMN amt.computer.short_name IS 'Name as imported';
COMMENT ON COLUMN amt.computer.fqdn IS 'Full DNS name as imported; name of the certificate';
COMMENT ON COLUMN amt.computer.mac IS 'Wired MAC address as imported';
COMMENT ON COLUMN amt.computer.address IS 'Address that the last Hello came from';
COMMENT ON COLUMN amt.computer.amt_status IS 'NULL unknown, 0 not supported, 1 detected, 2 not provisioned, 3 provisioned, 4 externally provisioned';
COMMENT ON COLUMN amt.computer.amt_status_name IS 'amt_status in words';
COMMENT ON COLUMN amt.computer.reason_code IS 'Why the computer is not (yet) provisioned; see amt.reason';
COMMENT ON COLUMN amt.computer.reason IS 'The same in a sentence: what is wrong and what to do about it';
COMMENT ON COLUMN amt.computer.firmware_version IS 'AMT version that the firmware last reported';
COMMENT ON COLUMN amt.computer.provisioned_at IS 'End of the last job that provisioned it; NULL: never';
COMMENT ON COLUMN amt.computer.profile IS 'Profile that a job applies; see amt.profile';
COMMENT ON COLUMN amt.computer.blocked IS 'True: no Hello and no request starts a job; see amt.block()';
COMMENT ON COLUMN amt.computer.managed_in_band IS 'True: provisioned by its client agent, Hellos are discarded';
COMMENT ON COLUMN amt.computer.auto_reprovision IS 'False: a Hello after it was provisioned starts no job; see amt.set_auto_reprovision()';
COMMENT ON COLUMN amt.computer.last_job IS 'Newest job; see amt.job';
COMMENT ON COLUMN amt.computer.certificate_not_after IS 'End of validity of the certificate in the firmware';

CREATE VIEW amt.job AS
    SELECT j.id, j.uuid, c.fqdn, j.kind, j.state, j.attempt, j.failures,
           coalesce(p.name, p.said_name, left(p.key, 8)) AS service_point,
           CASE WHEN j.reason_code IS NULL AND stranded.here THEN 'no-service-point' ELSE j.reason_code END AS reason_code,
           CASE WHEN j.reason IS NULL AND stranded.here THEN 'no service point is connected; start one' ELSE j.reason END AS reason,
           j.requested_at, j.requested_by, j.not_before, j.leased_until, j.started_at, j.finished_at
      FROM amt_store.job j
      JOIN amt_store.computer c USING (uuid)
      LEFT JOIN amt_store.service_point p ON p.id = j.service_point
     CROSS JOIN LATERAL (SELECT j.state = 'waiting' AND j.not_before <= now() AND NOT EXISTS
                                (SELECT FROM amt_store.service_point o
                                  WHERE o.state = 'approved' AND o.connected_until > now()) AS here) AS stranded;
COMMENT ON VIEW amt.job IS 'Jobs, open and closed';
COMMENT ON COLUMN amt.job.state IS 'waiting, leased (a service point works on it), done, failed or cancelled';
COMMENT ON COLUMN amt.job.attempt IS 'Number of the newest attempt; 0: none yet';
COMMENT ON COLUMN amt.job.failures IS 'Attempts that failed and count against job.attempts';
COMMENT ON COLUMN amt.job.service_point IS 'Who runs it, or ran its newest attempt';
COMMENT ON COLUMN amt.job.reason_code IS 'Why it failed, or why it waits';
COMMENT ON COLUMN amt.job.not_before IS 'A waiting job is not handed out before';
COMMENT ON COLUMN amt.job.leased_until IS 'When a leased job is taken back unless its service point is heard';

CREATE VIEW amt.job_attempt AS
    SELECT a.job, a.attempt, coalesce(p.name, p.said_name, left(p.key, 8)) AS service_point,
           a.leased_at, a.accepted_at, a.closed_at, a.outcome, a.reason_code, a.reason, a.accounts_offered,
           a.account_used, a.accounts_refused, encode(a.device_fingerprint, 'hex') AS device_fingerprint,
           a.settings
      FROM amt_store.job_attempt a LEFT JOIN amt_store.service_point p ON p.id = a.service_point;
COMMENT ON VIEW amt.job_attempt IS 'Each contact of a job with its computer';
COMMENT ON COLUMN amt.job_attempt.outcome IS 'done, failed, declined, lease-over, cancelled; NULL: under way';
COMMENT ON COLUMN amt.job_attempt.accounts_offered IS 'Accounts to be tried, in order: empty, secret:N (amt.secret_status), account:NAME (amt.account), factory';
COMMENT ON COLUMN amt.job_attempt.device_fingerprint IS 'SHA-256 of the self-signed certificate that the firmware showed in setup';
COMMENT ON COLUMN amt.job_attempt.settings IS 'Settings found on the device at the end, name=value';

CREATE VIEW amt.job_step AS
    SELECT s.job, s.attempt,
           row_number() OVER (PARTITION BY s.job, s.attempt ORDER BY s.started_at, s.finished_at, s.number) AS sequence,
           s.number, s.name, s.outcome, s.reason_code, s.detail, s.started_at, s.finished_at,
           s.finished_at - s.started_at AS took
      FROM amt_store.job_step s;
COMMENT ON VIEW amt.job_step IS 'Every step of every attempt';
COMMENT ON COLUMN amt.job_step.number IS 'Number of the step in the specification';
COMMENT ON COLUMN amt.job_step.outcome IS 'done, unchanged (the firmware had it already), skipped or failed';
COMMENT ON COLUMN amt.job_step.detail IS 'What was found or what went wrong';

CREATE VIEW amt.hello AS
    SELECT h.uuid, c.fqdn, host(h.address) AS address,
           coalesce(p.name, p.said_name, left(p.key, 8)) AS service_point, h.root_hashes,
           h.retry_count, h.credentials_set, h.first_seen, h.last_seen, h.count,
           CASE WHEN h.offered THEN 'offered' ELSE 'discarded' END AS verdict, h.reason_code, h.reason
      FROM amt_store.hello h
      JOIN amt_store.computer c USING (uuid)
      LEFT JOIN amt_store.service_point p ON p.id = h.service_point;
COMMENT ON VIEW amt.hello IS 'The last Hello of each imported computer and what became of it';
COMMENT ON COLUMN amt.hello.root_hashes IS 'Trusted roots of the firmware, ALGORITHM:HASH';
COMMENT ON COLUMN amt.hello.count IS 'Hellos since the first one';
COMMENT ON COLUMN amt.hello.verdict IS 'offered: there is a job; discarded: see reason';

CREATE VIEW amt.unknown_hello AS
    SELECT u.uuid, host(u.address) AS address,
           coalesce(p.name, p.said_name, left(p.key, 8)) AS service_point, u.root_hashes,
           u.first_seen, u.last_seen, u.count
      FROM amt_store.unknown_hello u LEFT JOIN amt_store.service_point p ON p.id = u.service_point;
COMMENT ON VIEW amt.unknown_hello IS 'Computers that said Hello but were never imported; the oldest leave when the table is full';

CREATE VIEW amt.service_point AS
    SELECT p.key AS public_key, coalesce(p.name, p.said_name, left(p.key, 8)) AS name, host(p.address) AS address, p.state,
           p.state = 'approved' AND coalesce(p.connected_until > now(), false) AS connected,
           p.software_version, p.slots, p.free, p.running, p.subnets, p.root_hashes, p.certificates,
           p.counters, p.first_seen, p.registered_at, p.last_seen, p.approved_at, p.approved_by
      FROM amt_store.service_point p;
COMMENT ON VIEW amt.service_point IS 'Service points: those admitted, those that knock, those taken away';
COMMENT ON COLUMN amt.service_point.public_key IS 'Public CURVE key, Z85';
COMMENT ON COLUMN amt.service_point.state IS 'pending (knocks; see amt.service_point_approve()), approved or removed';
COMMENT ON COLUMN amt.service_point.connected IS 'Heard within the last three heartbeats';
COMMENT ON COLUMN amt.service_point.slots IS 'Sessions it can run at once';
COMMENT ON COLUMN amt.service_point.subnets IS 'Subnets it serves; none: every address that no other one serves';
COMMENT ON COLUMN amt.service_point.root_hashes IS 'Roots of its provisioning certificates, ALGORITHM:HASH';
COMMENT ON COLUMN amt.service_point.certificates IS 'Its provisioning certificates: subject, root_subject, not_after';
COMMENT ON COLUMN amt.service_point.counters IS 'Its counters since it was started';

CREATE VIEW amt.authority AS
    SELECT fingerprint, subject, serial, state, not_before, not_after, created_at, created_by, certificate
      FROM amt_store.authority;
COMMENT ON VIEW amt.authority IS 'Authorities that issue, or issued, the certificates of the firmware';
COMMENT ON COLUMN amt.authority.certificate IS 'DER';

CREATE VIEW amt.certificate AS
    SELECT t.id, t.uuid, c.fqdn AS computer, t.fqdn, t.serial, a.subject AS issuer, t.state, t.not_before,
           t.not_after, t.renew_at, t.issued_at, t.activated_at, t.revoked_at, t.revocation_reason, t.job,
           t.attempt, t.fingerprint, t.certificate
      FROM amt_store.certificate t
      JOIN amt_store.computer c USING (uuid)
      JOIN amt_store.authority a ON a.fingerprint = t.authority;
COMMENT ON VIEW amt.certificate IS 'Certificates issued for computers';
COMMENT ON COLUMN amt.certificate.state IS 'pending (issued, not yet known to be in the firmware), active, superseded or revoked';
COMMENT ON COLUMN amt.certificate.renew_at IS 'When it should be replaced';
COMMENT ON COLUMN amt.certificate.serial IS 'Serial number, hexadecimal';
COMMENT ON COLUMN amt.certificate.certificate IS 'DER';

CREATE VIEW amt.secret_status AS
    SELECT s.id, s.uuid, c.fqdn, s.kind, s.state, s.maybe_on_device, s.key_id, s.created_at, s.activated_at
      FROM amt_store.secret s JOIN amt_store.computer c USING (uuid);
COMMENT ON VIEW amt.secret_status IS 'Which passwords the site holds for a computer, without their content';
COMMENT ON COLUMN amt.secret_status.state IS 'pending (handed out or about to be), active (the firmware has it), superseded, imported';
COMMENT ON COLUMN amt.secret_status.maybe_on_device IS 'It may open the device';
COMMENT ON COLUMN amt.secret_status.key_id IS 'Key of the key file that it is encrypted with';

CREATE VIEW amt.sealed_key AS
    SELECT key_id, place, count(*) AS count FROM amt_store.sealed_value GROUP BY key_id, place;
COMMENT ON VIEW amt.sealed_key IS 'Keys that the key file must hold, and how many values of each kind they encrypt';

CREATE VIEW amt.profile AS
    SELECT p.name, p.ping, p.web_interface, p.serial_over_lan, p.ide_redirection, p.kvm, p.user_consent,
           p.power, p.mebx_password, p.mebx_ciphertext IS NOT NULL AS shared_mebx_password_set,
           p.first_stage, p.tls, p.changed_at, p.changed_by,
           (SELECT count(*) FROM amt_store.computer c WHERE c.profile = p.name) AS computers
      FROM amt_store.profile p;
COMMENT ON VIEW amt.profile IS 'What a job sets on a computer';
COMMENT ON COLUMN amt.profile.user_consent IS 'Consent of the person at the computer: none, kvm (for KVM) or all (redirection too)';
COMMENT ON COLUMN amt.profile.power IS 'always-on: AMT answers in S0 to S5; s0: while the computer runs';
COMMENT ON COLUMN amt.profile.mebx_password IS 'leave: as it is; random: one per computer; shared: the one of the profile';
COMMENT ON COLUMN amt.profile.first_stage IS 'Interface of the first stage: auto, eoi (SOAP) or wsman';
COMMENT ON COLUMN amt.profile.tls IS 'server: the device proves itself; mutual: the client does, too';
COMMENT ON COLUMN amt.profile.computers IS 'Computers that have this profile';

CREATE VIEW amt.profile_user AS
    SELECT u.profile, u.name, amt_store.sid_text(u.sid) AS sid,
           (ARRAY['local', 'network', 'both'])[u.access + 1] AS access,
           ARRAY(SELECT r.name FROM amt_store.realm r WHERE r.number = ANY (u.realms) ORDER BY r.number) AS realms
      FROM amt_store.profile_user u;
COMMENT ON VIEW amt.profile_user IS 'Accounts that a profile writes into the firmware';
COMMENT ON COLUMN amt.profile_user.sid IS 'Windows SID of a directory user or group; NULL: Digest user';
COMMENT ON COLUMN amt.profile_user.realms IS 'Its rights; see amt.realm';

CREATE VIEW amt.account AS
    SELECT name, username, position FROM amt_store.account;
COMMENT ON VIEW amt.account IS 'Provisioning and discovery accounts: tried in this order when a computer refuses what the site knows';

CREATE VIEW amt.audit AS
    SELECT id, at, who, client, what, uuid, detail FROM amt_store.audit;
COMMENT ON VIEW amt.audit IS 'Who read or changed what';

CREATE VIEW amt.fleet_summary AS
    SELECT c.amt_status, coalesce(s.name, 'unknown') AS amt_status_name, count(*) AS computers,
           count(*) FILTER (WHERE j.state = 'waiting') AS jobs_waiting,
           count(*) FILTER (WHERE j.state = 'leased') AS jobs_running,
           count(*) FILTER (WHERE c.blocked) AS blocked
      FROM amt_store.computer c
      LEFT JOIN amt_store.status_name s ON s.status = c.amt_status
      LEFT JOIN amt_store.job j ON j.uuid = c.uuid AND j.state IN ('waiting', 'leased')
     GROUP BY c.amt_status, s.name;
COMMENT ON VIEW amt.fleet_summary IS 'How many computers have which status';

CREATE VIEW amt.failure_summary AS
    SELECT c.reason_code, r.meaning, r.remedy, count(*) AS computers, max(c.last_hello_at) AS last_hello_at
      FROM amt_store.computer c LEFT JOIN amt_store.reason r ON r.code = c.reason_code
     WHERE c.reason_code IS NOT NULL
     GROUP BY c.reason_code, r.meaning, r.remedy;
COMMENT ON VIEW amt.failure_summary IS 'What keeps computers from being provisioned, and what to do about it';

-- ---- functions for operators -----------------------------------------------------------------------
-- Refusals: AM001 the thing does not exist, AM002 it is in a state that forbids this, AM003 the value is wrong.

CREATE TYPE amt.sealed AS (key_id text, nonce bytea, ciphertext bytea, mark bytea);
COMMENT ON TYPE amt.sealed IS 'An encrypted value as amtctl makes it; the mark (keyed hash) is needed for imported passwords only';

-- Before it meets a table: a constraint's message would show the row, with what else is sealed in it.
CREATE FUNCTION amt_store.sealed_must_be_whole(value amt.sealed, may_be_absent boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts integer := num_nonnulls((value).key_id, (value).nonce, (value).ciphertext);
BEGIN
    IF (parts > 0 OR NOT may_be_absent)
       AND (parts < 3 OR length((value).nonce) <> 12 OR length((value).ciphertext) < 16) THEN
        RAISE EXCEPTION 'the encrypted value is not whole'
            USING ERRCODE = 'AM003', HINT = 'use amtctl, which encrypts with the site''s key';
    END IF;
END
$$;

CREATE FUNCTION amt_store.audit_write(what text, uuid uuid, detail text) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO amt_store.audit (what, uuid, detail) VALUES ($1, $2, $3) RETURNING id;
$$;

CREATE FUNCTION amt_store.computer_must_exist(wanted uuid) RETURNS amt_store.computer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_computer amt_store.computer;
BEGIN
    SELECT * INTO found_computer FROM amt_store.computer c WHERE c.uuid = wanted FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'computer % is not known', wanted
            USING ERRCODE = 'AM001', HINT = 'import it with amtctl import';
    END IF;
    RETURN found_computer;
END
$$;

CREATE FUNCTION amt_store.import_secret(computer uuid, secret_kind text, value amt.sealed) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM amt_store.sealed_must_be_whole(value, true);
    IF (value).ciphertext IS NULL OR EXISTS
        (SELECT FROM amt_store.secret s WHERE s.uuid = computer AND s.kind = secret_kind
            AND s.state = 'imported' AND s.mark = (value).mark) THEN
        RETURN false;
    END IF;
    -- The former one may still open the device, so it stays.
    UPDATE amt_store.secret s SET state = 'superseded'
     WHERE s.uuid = computer AND s.kind = secret_kind AND s.state = 'imported';
    INSERT INTO amt_store.secret (uuid, kind, state, maybe_on_device, key_id, nonce, ciphertext, mark)
    VALUES (computer, secret_kind, 'imported', true,
            (value).key_id, (value).nonce, (value).ciphertext, (value).mark);
    RETURN true;
END
$$;

CREATE FUNCTION amt.import_computer(uuid uuid, short_name text, fqdn text, mac macaddr DEFAULT NULL,
                                    mebx amt.sealed DEFAULT NULL, admin amt.sealed DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    name text := lower(rtrim(fqdn, '.'));
    former amt_store.computer;
    outcome text := 'unchanged';
BEGIN
    IF name !~ '^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$'
       OR length(name) > 253 THEN
        RAISE EXCEPTION 'computer %: % is no DNS name', uuid, fqdn
            USING ERRCODE = 'AM003', HINT = 'give labels of 1 to 63 letters, digits and hyphens, separated by dots';
    END IF;
    IF short_name IS NULL OR short_name = '' THEN
        RAISE EXCEPTION 'computer % has no name', uuid
            USING ERRCODE = 'AM003', HINT = 'give its short name';
    END IF;
    INSERT INTO amt_store.computer AS c (uuid, short_name, fqdn, mac) VALUES (uuid, short_name, name, mac)
        ON CONFLICT ON CONSTRAINT computer_pkey DO NOTHING;
    IF FOUND THEN
        outcome := 'imported';
        DELETE FROM amt_store.unknown_hello u WHERE u.uuid = import_computer.uuid;
    ELSE
        SELECT * INTO former FROM amt_store.computer c WHERE c.uuid = import_computer.uuid FOR NO KEY UPDATE;
        IF (former.short_name, former.fqdn) <> (short_name, name)
           OR (mac IS NOT NULL AND former.mac IS DISTINCT FROM mac) THEN
            outcome := 'updated';
            UPDATE amt_store.computer c
               SET short_name = import_computer.short_name, fqdn = name, mac = coalesce(import_computer.mac, c.mac)
             WHERE c.uuid = import_computer.uuid;
        END IF;
    END IF;
    IF amt_store.import_secret(uuid, 'mebx', mebx) AND outcome = 'unchanged' THEN
        outcome := 'updated';
    END IF;
    IF amt_store.import_secret(uuid, 'admin', admin) AND outcome = 'unchanged' THEN
        outcome := 'updated';
    END IF;
    RETURN outcome;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'computer %: the name % belongs to another computer, %', uuid, name,
        (SELECT c.uuid FROM amt_store.computer c WHERE lower(c.fqdn) = name)
        USING ERRCODE = 'AM002', HINT = 'give each computer a name of its own, or remove the other one first';
END
$$;
COMMENT ON FUNCTION amt.import_computer IS 'Makes a computer known, or changes its names: imported, updated or unchanged';

CREATE FUNCTION amt.remove_computer(uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_computer amt_store.computer := amt_store.computer_must_exist(uuid);
BEGIN
    IF found_computer.provisioned_at IS NOT NULL OR EXISTS
        (SELECT FROM amt_store.secret s WHERE s.uuid = remove_computer.uuid AND s.maybe_on_device
            AND (s.mark IS NULL OR s.activated_at IS NOT NULL)) THEN -- not merely imported
        RAISE EXCEPTION 'computer % may carry a password of this site', uuid
            USING ERRCODE = 'AM002', HINT = 'unprovision it first; amt.block() keeps it from being provisioned';
    END IF;
    DELETE FROM amt_store.certificate t WHERE t.uuid = remove_computer.uuid;
    DELETE FROM amt_store.job_step s USING amt_store.job j WHERE j.uuid = remove_computer.uuid AND s.job = j.id;
    DELETE FROM amt_store.job j WHERE j.uuid = remove_computer.uuid;
    DELETE FROM amt_store.secret s WHERE s.uuid = remove_computer.uuid;
    DELETE FROM amt_store.computer c WHERE c.uuid = remove_computer.uuid;
    PERFORM amt_store.audit_write('computer removed', uuid, found_computer.fqdn);
END
$$;
COMMENT ON FUNCTION amt.remove_computer IS 'Forgets a computer that was never provisioned';

CREATE FUNCTION amt.request_job(uuid uuid, kind text DEFAULT 'provision') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_computer amt_store.computer := amt_store.computer_must_exist(uuid);
    open_job bigint;
    new_job bigint;
BEGIN
    IF kind <> 'provision' THEN
        RAISE EXCEPTION 'there is no job of kind %', kind
            USING ERRCODE = 'AM003', HINT = 'ask for provision';
    END IF;
    IF found_computer.blocked THEN
        RAISE EXCEPTION 'computer % is blocked: %', uuid, coalesce(found_computer.blocked_why, 'no reason given')
            USING ERRCODE = 'AM002', HINT = 'unblock it first: amt.unblock(uuid)';
    END IF;
    IF found_computer.managed_in_band THEN
        RAISE EXCEPTION 'computer % is provisioned by its client agent', uuid
            USING ERRCODE = 'AM002', HINT = 'move it to out-of-band management first';
    END IF;
    SELECT j.id INTO open_job FROM amt_store.job j
     WHERE j.uuid = request_job.uuid AND j.state IN ('waiting', 'leased');
    IF FOUND THEN
        RAISE EXCEPTION 'computer % has an open job already: %', uuid, open_job
            USING ERRCODE = 'AM002', HINT = 'wait for it, or cancel it: amt.cancel_job(' || open_job || ')';
    END IF;
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
COMMENT ON FUNCTION amt.request_job IS 'Asks for a job; the site server takes it up at once. Returns its number';

CREATE FUNCTION amt_store.cancel_open_job(job bigint, why text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE amt_store.job_attempt a SET closed_at = now(), outcome = 'cancelled', reason_code = 'cancelled', reason = why
      FROM amt_store.job j
     WHERE j.id = $1 AND j.state = 'leased' AND a.job = j.id AND a.attempt = j.attempt AND a.closed_at IS NULL;
    UPDATE amt_store.job j
       SET state = 'cancelled', reason_code = 'cancelled', reason = why, leased_until = NULL, finished_at = now()
     WHERE j.id = $1 AND j.state IN ('waiting', 'leased');
    SELECT pg_notify('amt_job', $1::text);
$$;

CREATE FUNCTION amt.cancel_job(id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_job amt_store.job;
BEGIN
    SELECT * INTO found_job FROM amt_store.job j WHERE j.id = cancel_job.id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no job %', id USING ERRCODE = 'AM001', HINT = 'see amt.job';
    END IF;
    IF found_job.state NOT IN ('waiting', 'leased') THEN
        RAISE EXCEPTION 'job % is % already', id, found_job.state
            USING ERRCODE = 'AM002', HINT = 'nothing is left to be cancelled';
    END IF;
    PERFORM amt_store.cancel_open_job(id, 'cancelled by ' || session_user);
    PERFORM amt_store.audit_write('job cancelled', found_job.uuid, 'job ' || id);
END
$$;
COMMENT ON FUNCTION amt.cancel_job IS 'Ends a waiting or running job; what a running one already did to the device stays';

CREATE FUNCTION amt.block(uuid uuid, why text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.computer_must_exist(uuid);
    UPDATE amt_store.computer c SET blocked = true, blocked_why = why WHERE c.uuid = block.uuid;
    PERFORM amt_store.cancel_open_job(j.id, 'the computer was blocked by ' || session_user)
       FROM amt_store.job j WHERE j.uuid = block.uuid AND j.state = 'waiting';
    PERFORM amt_store.audit_write('computer blocked', uuid, why);
END
$$;
COMMENT ON FUNCTION amt.block IS 'Keeps a computer from being provisioned; a waiting job is cancelled, a running one ends by itself';

CREATE FUNCTION amt.unblock(uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.computer_must_exist(uuid);
    UPDATE amt_store.computer c SET blocked = false, blocked_why = NULL WHERE c.uuid = unblock.uuid;
    PERFORM amt_store.audit_write('computer unblocked', uuid, NULL);
END
$$;
COMMENT ON FUNCTION amt.unblock IS 'Takes back amt.block()';

CREATE FUNCTION amt.set_profile_of(uuid uuid, profile text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.computer_must_exist(uuid);
    IF NOT EXISTS (SELECT FROM amt_store.profile p WHERE p.name = profile) THEN
        RAISE EXCEPTION 'there is no profile %', profile
            USING ERRCODE = 'AM001', HINT = 'see amt.profile, or make it with amtctl profile set';
    END IF;
    UPDATE amt_store.computer c SET profile = set_profile_of.profile WHERE c.uuid = set_profile_of.uuid;
    PERFORM amt_store.audit_write('profile of computer set', uuid, profile);
END
$$;
COMMENT ON FUNCTION amt.set_profile_of IS 'Gives a computer another profile; nothing changes on the device until a job runs';

CREATE FUNCTION amt.set_auto_reprovision(uuid uuid, wanted boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.computer_must_exist(uuid);
    UPDATE amt_store.computer c SET auto_reprovision = wanted WHERE c.uuid = set_auto_reprovision.uuid;
    PERFORM amt_store.audit_write('automatic re-provisioning ' || CASE WHEN wanted THEN 'on' ELSE 'off' END, uuid, NULL);
END
$$;
COMMENT ON FUNCTION amt.set_auto_reprovision IS 'Whether a Hello of a computer that was provisioned before starts a job';

CREATE FUNCTION amt_store.profile_must_exist(profile text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM FROM amt_store.profile p WHERE p.name = profile FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no profile %', profile
            USING ERRCODE = 'AM001', HINT = 'make it with amtctl profile set, or amt.profile_set()';
    END IF;
END
$$;

CREATE FUNCTION amt.profile_set(name text, settings jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    key text;
    value jsonb;
    words text[];
BEGIN
    IF name !~ '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$' THEN
        RAISE EXCEPTION 'a profile cannot be called "%"', name
            USING ERRCODE = 'AM003', HINT = 'use 1 to 64 letters, digits, spaces and . _ -, beginning with a letter or digit';
    END IF;
    IF jsonb_typeof(settings) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'profile %: the settings are no JSON object', name
            USING ERRCODE = 'AM003', HINT = 'give for example {"ping": true, "power": "s0"}';
    END IF;
    FOR key, value IN SELECT * FROM jsonb_each(settings) LOOP
        words := CASE key WHEN 'user_consent' THEN ARRAY['none', 'kvm', 'all']
                          WHEN 'power' THEN ARRAY['always-on', 's0']
                          WHEN 'mebx_password' THEN ARRAY['leave', 'random', 'shared']
                          WHEN 'first_stage' THEN ARRAY['auto', 'eoi', 'wsman']
                          WHEN 'tls' THEN ARRAY['server', 'mutual'] END;
        IF words IS NULL AND key NOT IN ('ping', 'web_interface', 'serial_over_lan', 'ide_redirection', 'kvm') THEN
            RAISE EXCEPTION 'profile %: there is no setting %', name, key
                USING ERRCODE = 'AM003', HINT = 'the columns of amt.profile are the settings';
        END IF;
        IF words IS NULL AND jsonb_typeof(value) <> 'boolean' THEN
            RAISE EXCEPTION 'profile %: % is true or false, not %', name, key, value
                USING ERRCODE = 'AM003', HINT = 'give true or false';
        END IF;
        IF words IS NOT NULL AND (jsonb_typeof(value) <> 'string' OR value #>> '{}' <> ALL (words)) THEN
            RAISE EXCEPTION 'profile %: % cannot be %', name, key, value
                USING ERRCODE = 'AM003', HINT = 'give one of: ' || array_to_string(words, ', ');
        END IF;
    END LOOP;
    INSERT INTO amt_store.profile (name) VALUES (name) ON CONFLICT ON CONSTRAINT profile_pkey DO NOTHING;
    UPDATE amt_store.profile p
       SET ping = coalesce((settings ->> 'ping')::boolean, p.ping),
           web_interface = coalesce((settings ->> 'web_interface')::boolean, p.web_interface),
           serial_over_lan = coalesce((settings ->> 'serial_over_lan')::boolean, p.serial_over_lan),
           ide_redirection = coalesce((settings ->> 'ide_redirection')::boolean, p.ide_redirection),
           kvm = coalesce((settings ->> 'kvm')::boolean, p.kvm),
           user_consent = coalesce(settings ->> 'user_consent', p.user_consent),
           power = coalesce(settings ->> 'power', p.power),
           mebx_password = coalesce(settings ->> 'mebx_password', p.mebx_password),
           first_stage = coalesce(settings ->> 'first_stage', p.first_stage),
           tls = coalesce(settings ->> 'tls', p.tls),
           changed_at = now(), changed_by = session_user
     WHERE p.name = profile_set.name;
    PERFORM amt_store.audit_write('profile set', NULL, name || ' ' || settings);
END
$$;
COMMENT ON FUNCTION amt.profile_set IS 'Makes a profile or changes the settings that are given; devices change when a job runs';

CREATE FUNCTION amt.profile_remove(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    used bigint;
BEGIN
    PERFORM amt_store.profile_must_exist(name);
    SELECT count(*) INTO used FROM amt_store.computer c WHERE c.profile = name;
    IF used > 0 OR name = 'default' THEN
        RAISE EXCEPTION 'profile % is used by % computers and new ones', name, used
            USING ERRCODE = 'AM002', HINT = 'give them another profile first; the default one stays';
    END IF;
    DELETE FROM amt_store.profile p WHERE p.name = profile_remove.name;
    PERFORM amt_store.audit_write('profile removed', NULL, name);
END
$$;
COMMENT ON FUNCTION amt.profile_remove IS 'Removes a profile that no computer has';

CREATE FUNCTION amt.profile_mebx_set(profile text, password amt.sealed) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.sealed_must_be_whole(password, true);
    PERFORM amt_store.profile_must_exist(profile);
    UPDATE amt_store.profile p
       SET mebx_key_id = (password).key_id, mebx_nonce = (password).nonce,
           mebx_ciphertext = (password).ciphertext, changed_at = now(), changed_by = session_user
     WHERE p.name = profile;
    PERFORM amt_store.audit_write('shared MEBx password of profile set', NULL, profile);
END
$$;
COMMENT ON FUNCTION amt.profile_mebx_set IS 'Sets the MEBx password of a profile with mebx_password = shared';

CREATE FUNCTION amt.profile_user_set(profile text, name text, realms text[], access text DEFAULT 'network',
                                     password amt.sealed DEFAULT NULL, sid text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
    wrong text;
    numbers integer[];
    access_number integer := array_position(ARRAY['local', 'network', 'both'], access) - 1;
    digest boolean := sid IS NULL;
    others integer;
BEGIN
    PERFORM amt_store.sealed_must_be_whole(password, true);
    PERFORM amt_store.profile_must_exist(profile);
    IF access_number IS NULL THEN
        RAISE EXCEPTION 'user % of profile %: access cannot be %', name, profile, access
            USING ERRCODE = 'AM003', HINT = 'give one of: local, network, both';
    END IF;
    SELECT w INTO wrong FROM unnest(realms) w
     WHERE NOT EXISTS (SELECT FROM amt_store.realm r WHERE lower(r.name) = lower(w)) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'user % of profile %: there is no realm %', name, profile, wrong
            USING ERRCODE = 'AM003', HINT = 'see amt.realm';
    END IF;
    SELECT array_agg(DISTINCT r.number ORDER BY r.number) INTO numbers
      FROM amt_store.realm r JOIN unnest(realms) w ON lower(r.name) = lower(w);
    IF numbers IS NULL THEN
        RAISE EXCEPTION 'user % of profile % has no realm', name, profile
            USING ERRCODE = 'AM003', HINT = 'give at least one; see amt.realm';
    END IF;
    IF digest AND (name !~ '^[!-~]{1,16}$' OR name ~ '[(),:"&<>]' OR name LIKE '$$%'
                   OR lower(name) IN ('admin', 'administrator')) THEN
        RAISE EXCEPTION 'profile %: the firmware takes no user called "%"', profile, name
            USING ERRCODE = 'AM003',
                  HINT = 'use 1 to 16 ASCII characters without ( ) , : " & < >, not admin or administrator, not beginning with $$';
    END IF;
    IF NOT digest AND amt_store.sid_from_text(sid) IS NULL THEN
        RAISE EXCEPTION 'user % of profile %: % is no Windows SID that the firmware takes', name, profile, sid
            USING ERRCODE = 'AM003', HINT = 'give S-1-AUTHORITY-SUB-... with up to 5 numbers after the authority';
    END IF;
    IF digest AND (password).ciphertext IS NULL AND NOT EXISTS
        (SELECT FROM amt_store.profile_user u
          WHERE u.profile = profile_user_set.profile AND u.name = profile_user_set.name AND u.sid IS NULL) THEN
        RAISE EXCEPTION 'user % of profile % has no password', name, profile
            USING ERRCODE = 'AM003', HINT = 'amtctl profile set asks for it';
    END IF;
    SELECT count(*) INTO others FROM amt_store.profile_user u
     WHERE u.profile = profile_user_set.profile AND u.name <> profile_user_set.name AND (u.sid IS NULL) = digest;
    IF others >= (CASE WHEN digest THEN 7 ELSE 32 END) THEN
        RAISE EXCEPTION 'profile % is full: the firmware takes % %', profile,
            CASE WHEN digest THEN 7 ELSE 32 END,
            CASE WHEN digest THEN 'users besides admin' ELSE 'directory users and groups' END
            USING ERRCODE = 'AM002', HINT = 'remove one first';
    END IF;
    INSERT INTO amt_store.profile_user AS u (profile, name, sid, access, realms, key_id, nonce, ciphertext)
    SELECT profile, name, amt_store.sid_from_text(sid), access_number, numbers,
           coalesce((password).key_id, former.key_id), coalesce((password).nonce, former.nonce),
           coalesce((password).ciphertext, former.ciphertext)
      FROM (SELECT 1) AS one
      LEFT JOIN amt_store.profile_user former
        ON digest AND former.profile = profile_user_set.profile AND former.name = profile_user_set.name
        ON CONFLICT ON CONSTRAINT profile_user_pkey DO UPDATE
       SET sid = EXCLUDED.sid, access = EXCLUDED.access, realms = EXCLUDED.realms, key_id = EXCLUDED.key_id,
           nonce = EXCLUDED.nonce, ciphertext = EXCLUDED.ciphertext;
    UPDATE amt_store.profile p SET changed_at = now(), changed_by = session_user WHERE p.name = profile_user_set.profile;
    PERFORM amt_store.audit_write('user of profile set', NULL, profile || ' ' || name);
END
$body$;
COMMENT ON FUNCTION amt.profile_user_set IS 'Adds or changes an account of a profile; without a password the former one stays';

CREATE FUNCTION amt.profile_user_remove(profile text, name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.profile_must_exist(profile);
    DELETE FROM amt_store.profile_user u WHERE u.profile = profile_user_remove.profile AND u.name = profile_user_remove.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'profile % has no user %', profile, name
            USING ERRCODE = 'AM001', HINT = 'see amt.profile_user';
    END IF;
    UPDATE amt_store.profile p SET changed_at = now(), changed_by = session_user WHERE p.name = profile_user_remove.profile;
    PERFORM amt_store.audit_write('user of profile removed', NULL, profile || ' ' || name);
END
$$;
COMMENT ON FUNCTION amt.profile_user_remove IS 'Removes an account of a profile';

CREATE FUNCTION amt.account_add(name text, username text, "position" integer, password amt.sealed) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    last_position integer := (SELECT coalesce(max(a.position), 0) FROM amt_store.account a);
    wanted integer := least(greatest(coalesce("position", last_position + 1), 1), last_position + 1);
BEGIN
    PERFORM amt_store.sealed_must_be_whole(password, false);
    IF name !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' THEN
        RAISE EXCEPTION 'an account cannot be called "%"', name
            USING ERRCODE = 'AM003', HINT = 'use 1 to 64 letters, digits and . _ -';
    END IF;
    IF username !~ '^[!-~]{1,32}$' OR username ~ '[:"]' THEN
        RAISE EXCEPTION 'account %: "%" is no user name of AMT', name, username
            USING ERRCODE = 'AM003', HINT = 'use printable ASCII characters without : and "';
    END IF;
    IF EXISTS (SELECT FROM amt_store.account a WHERE a.name = account_add.name) THEN
        RAISE EXCEPTION 'there is an account % already', name
            USING ERRCODE = 'AM002', HINT = 'remove it first, or give another name';
    END IF;
    UPDATE amt_store.account a SET position = a.position + 1 WHERE a.position >= wanted;
    INSERT INTO amt_store.account (name, username, position, key_id, nonce, ciphertext)
    VALUES (name, username, wanted, (password).key_id, (password).nonce, (password).ciphertext);
    PERFORM amt_store.audit_write('account added', NULL, name || ' ' || username);
END
$$;
COMMENT ON FUNCTION amt.account_add IS 'Adds an account to the list that computers are tried with; position NULL: at the end';

CREATE FUNCTION amt.account_remove(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    gone integer;
BEGIN
    DELETE FROM amt_store.account a WHERE a.name = account_remove.name RETURNING a.position INTO gone;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no account %', name USING ERRCODE = 'AM001', HINT = 'see amt.account';
    END IF;
    UPDATE amt_store.account a SET position = a.position - 1 WHERE a.position > gone;
    PERFORM amt_store.audit_write('account removed', NULL, name);
END
$$;
COMMENT ON FUNCTION amt.account_remove IS 'Removes an account from the list';

-- ---- functions for those who may read secrets ------------------------------------------------------

CREATE FUNCTION amt.secret_announce(uuid uuid, kind text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.computer_must_exist(uuid);
    IF kind <> ALL (ARRAY['admin', 'mebx', 'directory']) THEN
        RAISE EXCEPTION 'there is no secret of kind %', kind
            USING ERRCODE = 'AM003', HINT = 'give one of: admin, mebx, directory';
    END IF;
    RETURN amt_store.audit_write('secret read', uuid, kind);
END
$$;
COMMENT ON FUNCTION amt.secret_announce IS 'Writes into the audit that a secret will be read; commit, then call amt.secret_read()';

CREATE FUNCTION amt.profile_secret_announce(profile text, name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.profile_must_exist(profile);
    RETURN amt_store.audit_write('profile secret read', NULL, profile || '|' || name);
END
$$;
COMMENT ON FUNCTION amt.profile_secret_announce IS 'The same for the password of a user of a profile; name $$mebx: the shared MEBx password';

CREATE FUNCTION amt.secret_read(announcement bigint)
RETURNS TABLE (id bigint, state text, created_at timestamptz, activated_at timestamptz, associated_data text,
               key_id text, nonce bytea, ciphertext bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    announced amt_store.audit;
BEGIN
    UPDATE amt_store.audit a SET used = true
     WHERE a.id = announcement AND a.what IN ('secret read', 'profile secret read') AND a.who = session_user AND NOT a.used
       AND a.at > now() - interval '1 minute' AND a.transaction <> pg_current_xact_id()
       AND pg_xact_status(a.transaction) = 'committed'
    RETURNING a.* INTO announced;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'reading a secret was not announced'
            USING ERRCODE = 'AM002', HINT = 'call amt.secret_announce(), commit, and read within a minute';
    END IF;
    RETURN QUERY
    SELECT s.id, s.state, s.created_at, s.activated_at, s.uuid || '|' || s.kind, s.key_id, s.nonce, s.ciphertext
      FROM amt_store.secret s
     WHERE s.uuid = announced.uuid AND s.kind = announced.detail
     ORDER BY CASE s.state WHEN 'active' THEN 1 WHEN 'imported' THEN 3 WHEN 'superseded' THEN 4
                           ELSE CASE WHEN s.maybe_on_device THEN 2 ELSE 5 END END,
              coalesce(s.activated_at, s.created_at) DESC, s.id DESC;
    RETURN QUERY
    SELECT NULL::bigint, 'active', NULL::timestamptz, NULL::timestamptz, v.associated_data, v.key_id, v.nonce, v.ciphertext
      FROM amt_store.sealed_value v
     WHERE announced.what = 'profile secret read' AND v.place IN ('profile_user', 'profile')
       AND v.associated_data = 'profile|' || announced.detail;
END
$$;
COMMENT ON FUNCTION amt.secret_read IS 'The encrypted secrets that amt.secret_announce() named: the likeliest one first (active, pending that may be on the device, imported, superseded, pending)';

CREATE FUNCTION amt.sealed_next(current_key text, at_most integer)
RETURNS TABLE (place text, id text, associated_data text, key_id text, nonce bytea, ciphertext bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM amt_store.audit_write('secrets read for key rotation', NULL, 'to key ' || current_key);
    RETURN QUERY SELECT * FROM amt_store.sealed_value v WHERE v.key_id <> current_key LIMIT at_most;
END
$$;
COMMENT ON FUNCTION amt.sealed_next IS 'Values that are not yet encrypted with this key, for amtctl secret rotate-key';

CREATE FUNCTION amt.sealed_replace(place text, id text, former_nonce bytea, value amt.sealed) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.sealed_must_be_whole(value, false);
    CASE place
    WHEN 'secret' THEN
        UPDATE amt_store.secret s
           SET key_id = (value).key_id, nonce = (value).nonce, ciphertext = (value).ciphertext,
               mark = coalesce((value).mark, s.mark)
         WHERE s.id = sealed_replace.id::bigint AND s.nonce = former_nonce;
    WHEN 'account' THEN
        UPDATE amt_store.account a
           SET key_id = (value).key_id, nonce = (value).nonce, ciphertext = (value).ciphertext
         WHERE a.name = sealed_replace.id AND a.nonce = former_nonce;
    WHEN 'profile_user' THEN
        UPDATE amt_store.profile_user u
           SET key_id = (value).key_id, nonce = (value).nonce, ciphertext = (value).ciphertext
         WHERE u.profile || '|' || u.name = sealed_replace.id AND u.nonce = former_nonce;
    WHEN 'profile' THEN
        UPDATE amt_store.profile p
           SET mebx_key_id = (value).key_id, mebx_nonce = (value).nonce, mebx_ciphertext = (value).ciphertext
         WHERE p.name = sealed_replace.id AND p.mebx_nonce = former_nonce;
    WHEN 'authority' THEN
        UPDATE amt_store.authority a
           SET key_id = (value).key_id, nonce = (value).nonce, ciphertext = (value).ciphertext
         WHERE a.fingerprint = sealed_replace.id AND a.nonce = former_nonce;
    ELSE
        RAISE EXCEPTION 'there are no secrets in %', place USING ERRCODE = 'AM003', HINT = 'see amt.sealed_next()';
    END CASE;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION amt.sealed_replace IS 'Replaces an encrypted value by the same one under another key; false: somebody changed it meanwhile';

-- ---- service points and authorities ----------------------------------------------------------------

-- NULL: none. What a service point calls itself is its own claim, so it must not stand for another one's.
CREATE FUNCTION amt_store.service_point_find(key_or_name text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    keys text[];
BEGIN
    SELECT array_agg(p.key) INTO keys FROM amt_store.service_point p WHERE p.key = key_or_name;
    IF keys IS NULL THEN
        SELECT array_agg(p.key) INTO keys FROM amt_store.service_point p
         WHERE p.name = key_or_name OR p.said_name = key_or_name;
    END IF;
    IF array_length(keys, 1) > 1 THEN
        RAISE EXCEPTION '% service points are called %, or call themselves so', array_length(keys, 1), key_or_name
            USING ERRCODE = 'AM002', HINT = 'give the public key; see amt.service_point';
    END IF;
    RETURN keys[1];
END
$$;

CREATE FUNCTION amt.service_point_approve(key_or_name text, name text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_key text;
BEGIN
    found_key := amt_store.service_point_find(key_or_name);
    IF found_key IS NULL THEN
        IF key_or_name !~ '^[0-9a-zA-Z.:+=^!/*?&<>()\[\]{}@%$#-]{40}$' THEN
            RAISE EXCEPTION 'no service point is called %, and it is no public key', key_or_name
                USING ERRCODE = 'AM001', HINT = 'give the 40 characters that amt-service-point --create-key printed; see amt.service_point';
        END IF;
        found_key := key_or_name;
    END IF;
    INSERT INTO amt_store.service_point AS p (key, name, state, approved_at, approved_by)
    VALUES (found_key, name, 'approved', now(), session_user)
        ON CONFLICT (key) DO UPDATE
       SET name = coalesce(EXCLUDED.name, p.name), state = 'approved', approved_at = now(), approved_by = session_user;
    PERFORM amt_store.audit_write('service point approved', NULL, concat_ws(' ', found_key, name));
    PERFORM pg_notify('amt_service_point', found_key);
    RETURN found_key;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'another service point is called % already', name
        USING ERRCODE = 'AM002', HINT = 'give it another name';
END
$$;
COMMENT ON FUNCTION amt.service_point_approve IS 'Admits a service point by its public key, at once, also one that has not knocked yet; returns the key';

CREATE FUNCTION amt.service_point_remove(key_or_name text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_key text;
BEGIN
    found_key := amt_store.service_point_find(key_or_name);
    IF found_key IS NULL THEN
        RAISE EXCEPTION 'no service point is called %', key_or_name
            USING ERRCODE = 'AM001', HINT = 'see amt.service_point';
    END IF;
    UPDATE amt_store.service_point p SET state = 'removed', connected_until = NULL WHERE p.key = found_key;
    PERFORM amt_store.audit_write('service point removed', NULL, found_key);
    PERFORM pg_notify('amt_service_point', found_key);
    RETURN found_key;
END
$$;
COMMENT ON FUNCTION amt.service_point_remove IS 'Shuts a service point out, at once; its jobs are taken back when their leases end';

CREATE FUNCTION amt.authority_set(fingerprint text, subject text, serial text, certificate bytea, not_before timestamptz,
                                  not_after timestamptz, private_key amt.sealed) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.sealed_must_be_whole(private_key, false);
    UPDATE amt_store.authority a SET state = 'retired' WHERE a.state = 'active';
    INSERT INTO amt_store.authority (fingerprint, subject, serial, certificate, key_id, nonce, ciphertext, state,
                                     not_before, not_after, created_by)
    VALUES (fingerprint, subject, serial, certificate, (private_key).key_id, (private_key).nonce, (private_key).ciphertext,
            'active', not_before, not_after, session_user);
    PERFORM amt_store.audit_write('authority set', NULL, subject || ' ' || fingerprint);
    PERFORM pg_notify('amt_authority', fingerprint);
END
$$;
COMMENT ON FUNCTION amt.authority_set IS 'Makes this the authority that issues from now on; certificates of the former one stay good';

-- ---- who may do what -------------------------------------------------------------------------------

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA amt FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA amt_store FROM PUBLIC;
GRANT USAGE ON SCHEMA amt TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT SELECT ON ALL TABLES IN SCHEMA amt TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
-- Functions in a view run with the rights of who reads the view.
GRANT EXECUTE ON FUNCTION amt_store.sid_text TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA amt TO amt_operator;
REVOKE EXECUTE ON FUNCTION amt.secret_announce, amt.profile_secret_announce, amt.secret_read, amt.sealed_next, amt.sealed_replace FROM amt_operator;
GRANT EXECUTE ON FUNCTION amt.secret_announce, amt.profile_secret_announce, amt.secret_read, amt.sealed_next, amt.sealed_replace TO amt_secret_reader;
-- A service point receives the secrets of its jobs, and an authority decides which certificate counts: who may admit
-- either could come by every password.
REVOKE EXECUTE ON FUNCTION amt.service_point_approve, amt.authority_set FROM amt_operator;
GRANT amt_operator, amt_secret_reader TO amt_administrator;
GRANT EXECUTE ON FUNCTION amt.service_point_approve, amt.authority_set TO amt_administrator;
GRANT USAGE ON SCHEMA amt_store TO amt_site_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA amt_store TO amt_site_server;
REVOKE UPDATE, DELETE ON amt_store.audit FROM amt_site_server;
