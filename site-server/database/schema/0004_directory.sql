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
    PERFORM pg_notify('amt_directory', '');
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

-- ---- who may do what -------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION amt_store.forget_directory_object FROM PUBLIC;
GRANT SELECT ON amt.directory_object TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON amt_store.directory_object TO amt_site_server;
