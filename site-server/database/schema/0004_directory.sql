-- 0004_directory.sql: the computers' objects in Active Directory, and its users and groups by name.

-- No reference to the computer: an object has to be removed also after the computer was forgotten.
CREATE TABLE amt_store.directory_object (
    uuid         uuid PRIMARY KEY,
    wanted       boolean NOT NULL DEFAULT true, -- false: to be removed
    fqdn         text NOT NULL,
    guid         bytea CHECK (length(guid) = 16), -- NULL: never kept yet
    dn           text,
    account_name text, -- sAMAccountName when the password was set last
    domain       text,
    principals   text[] NOT NULL DEFAULT '{}',
    key_version  bigint,
    password     bigint, -- amt_store.secret that the key version belongs to
    rotated_by   bigint, -- the last job that set a new password
    asked_at     timestamptz NOT NULL DEFAULT now(),
    kept_at      timestamptz,
    changes      text,
    reason_code  text, -- of the last try, NULL when it went well
    reason       text,
    tried_at     timestamptz,
    failures     bigint NOT NULL DEFAULT 0
);
CREATE INDEX directory_object_unwanted ON amt_store.directory_object (asked_at) WHERE NOT wanted;

CREATE FUNCTION amt_store.forget_directory_object() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE amt_store.directory_object o SET wanted = false, failures = 0, tried_at = NULL, password = NULL
     WHERE o.uuid = OLD.uuid;
    RETURN NULL;
END
$$;
CREATE TRIGGER computer_forgotten AFTER DELETE ON amt_store.computer
    FOR EACH ROW EXECUTE FUNCTION amt_store.forget_directory_object();

CREATE VIEW amt.directory_object AS
    SELECT o.uuid, o.fqdn, o.dn, o.account_name, upper(o.domain) AS realm, o.principals, o.key_version, encode(o.guid, 'hex') AS guid,
           CASE WHEN NOT o.wanted THEN 'to be removed' WHEN o.kept_at IS NULL THEN 'wanted' ELSE 'kept' END AS state,
           o.asked_at, o.kept_at, o.changes, o.reason_code, o.reason, o.tried_at
      FROM amt_store.directory_object o;
COMMENT ON VIEW amt.directory_object IS 'Objects that the site keeps in Active Directory, one for each computer that was provisioned with a directory configured';
COMMENT ON COLUMN amt.directory_object.state IS 'wanted (asked for, not there yet), kept, or to be removed (tried again until it is gone; then the row goes too)';
COMMENT ON COLUMN amt.directory_object.account_name IS 'sAMAccountName';
COMMENT ON COLUMN amt.directory_object.principals IS 'Its service principal names';
COMMENT ON COLUMN amt.directory_object.key_version IS 'Version of the account''s Kerberos key, as the directory counts it';
COMMENT ON COLUMN amt.directory_object.guid IS 'Its objectGUID, as the directory stores it';
COMMENT ON COLUMN amt.directory_object.changes IS 'What was different when it was looked at last; empty: nothing';
COMMENT ON COLUMN amt.directory_object.reason_code IS 'Why the last try failed; see amt.reason. NULL: it did not';

-- ---- users and groups by name ----------------------------------------------------------------------

-- A user of a profile that is called DOMAIN\name: its SID is looked up, and looked up again from time to time.
CREATE TABLE amt_store.directory_name (
    name         text PRIMARY KEY,
    sid          bytea CHECK (length(sid) BETWEEN 8 AND 28), -- of the last time that it was found
    looked_up_at timestamptz,
    reason_code  text, -- of the last look, NULL when it was found
    reason       text
);

ALTER TABLE amt_store.profile_user DROP CONSTRAINT profile_user_check;
ALTER TABLE amt_store.profile_user ADD CONSTRAINT profile_user_identity
    CHECK (CASE WHEN position('\' IN name) > 0 THEN ciphertext IS NULL ELSE (sid IS NULL) = (ciphertext IS NOT NULL) END);

CREATE OR REPLACE FUNCTION amt.profile_user_set(profile text, name text, realms text[], access text DEFAULT 'network',
                                     password amt.sealed DEFAULT NULL, sid text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
    wrong text;
    numbers integer[];
    access_number integer := array_position(ARRAY['local', 'network', 'both'], access) - 1;
    digest boolean := sid IS NULL;
    by_name boolean := coalesce(position('\' IN sid) > 0, false);
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
    IF by_name AND (sid !~ '^[^\\/:*?"<>|]{1,15}\\[^"/\\:;|=,+*?<>[\]]+$' OR length(sid) > 272 OR name <> sid) THEN
        RAISE EXCEPTION 'user % of profile %: % is no name of a user or group in a domain', name, profile, sid
            USING ERRCODE = 'AM003', HINT = 'give DOMAIN\name, with the short name of the domain';
    END IF;
    IF NOT digest AND NOT by_name AND amt_store.sid_from_text(sid) IS NULL THEN
        RAISE EXCEPTION 'user % of profile %: % is no Windows SID that the firmware takes', name, profile, sid
            USING ERRCODE = 'AM003', HINT = 'give S-1-AUTHORITY-SUB-... with up to 5 numbers after the authority';
    END IF;
    IF digest AND (password).ciphertext IS NULL AND NOT EXISTS
        (SELECT FROM amt_store.profile_user u
          WHERE u.profile = profile_user_set.profile AND u.name = profile_user_set.name AND u.ciphertext IS NOT NULL) THEN
        RAISE EXCEPTION 'user % of profile % has no password', name, profile
            USING ERRCODE = 'AM003', HINT = 'amtctl profile set asks for it';
    END IF;
    SELECT count(*) INTO others FROM amt_store.profile_user u
     WHERE u.profile = profile_user_set.profile AND u.name <> profile_user_set.name AND (u.ciphertext IS NOT NULL) = digest;
    IF others >= (CASE WHEN digest THEN 7 ELSE 32 END) THEN
        RAISE EXCEPTION 'profile % is full: the firmware takes % %', profile,
            CASE WHEN digest THEN 7 ELSE 32 END,
            CASE WHEN digest THEN 'users besides admin' ELSE 'directory users and groups' END
            USING ERRCODE = 'AM002', HINT = 'remove one first';
    END IF;
    INSERT INTO amt_store.profile_user AS u (profile, name, sid, access, realms, key_id, nonce, ciphertext)
    SELECT profile, name, CASE WHEN NOT by_name THEN amt_store.sid_from_text(sid) END, access_number, numbers,
           coalesce((password).key_id, former.key_id), coalesce((password).nonce, former.nonce),
           coalesce((password).ciphertext, former.ciphertext)
      FROM (SELECT 1) AS one
      LEFT JOIN amt_store.profile_user former
        ON digest AND former.profile = profile_user_set.profile AND former.name = profile_user_set.name
        ON CONFLICT ON CONSTRAINT profile_user_pkey DO UPDATE
       SET sid = EXCLUDED.sid, access = EXCLUDED.access, realms = EXCLUDED.realms, key_id = EXCLUDED.key_id,
           nonce = EXCLUDED.nonce, ciphertext = EXCLUDED.ciphertext;
    INSERT INTO amt_store.directory_name (name) SELECT name WHERE by_name
        ON CONFLICT ON CONSTRAINT directory_name_pkey DO UPDATE SET looked_up_at = NULL;
    UPDATE amt_store.profile p SET changed_at = now(), changed_by = session_user WHERE p.name = profile_user_set.profile;
    PERFORM amt_store.audit_write('user of profile set', NULL, profile || ' ' || name);
END
$body$;

CREATE VIEW amt.directory_name AS
    SELECT n.name, amt_store.sid_text(n.sid) AS sid, n.looked_up_at, n.reason_code, n.reason,
           (SELECT array_agg(DISTINCT u.profile ORDER BY u.profile) FROM amt_store.profile_user u WHERE u.name = n.name) AS profiles
      FROM amt_store.directory_name n;
COMMENT ON VIEW amt.directory_name IS 'Users and groups of the directory that profiles name, and their SIDs as they were looked up';
COMMENT ON COLUMN amt.directory_name.looked_up_at IS 'NULL: not yet';
COMMENT ON COLUMN amt.directory_name.profiles IS 'Profiles that name it; NULL: none does any more';

-- ---- who may do what -------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION amt_store.forget_directory_object FROM PUBLIC;
GRANT SELECT ON amt.directory_object, amt.directory_name TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON amt_store.directory_object, amt_store.directory_name TO amt_site_server;
