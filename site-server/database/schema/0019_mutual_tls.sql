-- 0019_mutual_tls.sql: certificates for those who open computers in mutual TLS, and the names that these let in.

-- ---- console certificates --------------------------------------------------------------------------

-- Of a service point, which asks for one with REGISTER and keeps the key in memory, or of a person's console.
CREATE TABLE amt_store.console_certificate (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service_point   bigint REFERENCES amt_store.service_point ON DELETE SET NULL, -- NULL: a person's
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 64),          -- of the service point, or the common name
    authority       text NOT NULL REFERENCES amt_store.authority,
    serial          text NOT NULL,  -- hexadecimal
    key_fingerprint bytea NOT NULL CHECK (length(key_fingerprint) = 32), -- SHA-256 of the SubjectPublicKeyInfo
    fingerprint     text NOT NULL,  -- SHA-256 of the certificate, hexadecimal
    certificate     bytea NOT NULL,
    not_before      timestamptz NOT NULL,
    not_after       timestamptz NOT NULL,
    issued_at       timestamptz NOT NULL DEFAULT now(),
    issued_by       text NOT NULL DEFAULT session_user,
    revoked_at      timestamptz,
    UNIQUE (authority, serial)
);
CREATE INDEX console_certificate_of_point ON amt_store.console_certificate (service_point, not_after);

-- They are on the same lists as the computers' own.
ALTER TABLE amt_store.revocation ALTER COLUMN uuid DROP NOT NULL;
COMMENT ON COLUMN amt.revocation.uuid IS 'NULL: a console certificate';
COMMENT ON COLUMN amt.revocation.usage IS 'server, client (802.1X), or console: of a service point or a person, for computers in mutual TLS';

CREATE FUNCTION amt_store.console_certificate_gone() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.not_after > now() THEN
        INSERT INTO amt_store.revocation (authority, serial, certificate, fqdn, usage, not_after, reason)
        VALUES (NEW.authority, NEW.serial, NEW.certificate, NEW.name, 'console', NEW.not_after, 5) -- cessationOfOperation
            ON CONFLICT (authority, serial) DO NOTHING;
        PERFORM pg_notify('amt_revocation', '');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER console_certificate_revoked AFTER UPDATE OF revoked_at ON amt_store.console_certificate
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
    EXECUTE FUNCTION amt_store.console_certificate_gone();

-- All of them that have not ended, also those of former processes, whose keys ended with these: a list cannot tell.
CREATE FUNCTION amt_store.service_point_shut_out() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE amt_store.console_certificate c SET revoked_at = now()
     WHERE c.service_point = NEW.id AND c.revoked_at IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER service_point_removed AFTER UPDATE OF state ON amt_store.service_point
    FOR EACH ROW WHEN (NEW.state = 'removed' AND OLD.state <> 'removed')
    EXECUTE FUNCTION amt_store.service_point_shut_out();

CREATE VIEW amt.console_certificate AS
    SELECT c.name, CASE WHEN c.service_point IS NULL THEN 'person' ELSE 'service point' END AS holder,
           p.name AS service_point, a.subject AS issuer, c.serial, c.not_before, c.not_after, c.issued_at, c.issued_by,
           c.revoked_at, c.revoked_at IS NULL AND c.not_after > now() AS good, c.fingerprint, c.certificate
      FROM amt_store.console_certificate c JOIN amt_store.authority a ON a.fingerprint = c.authority
      LEFT JOIN amt_store.service_point p ON p.id = c.service_point;
COMMENT ON VIEW amt.console_certificate IS 'Certificates that open the TLS of computers in mutual mode: of service points, and of persons'' consoles';
COMMENT ON COLUMN amt.console_certificate.holder IS 'service point: asked for by itself, short-lived; person: made with amtctl ca issue-console';
COMMENT ON COLUMN amt.console_certificate.good IS 'Neither revoked nor ended';
COMMENT ON COLUMN amt.console_certificate.certificate IS 'DER';

CREATE FUNCTION amt.authority_announce(name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM amt_store.authority a WHERE a.state = 'active' AND a.kind = 'internal') THEN
        RAISE EXCEPTION 'no authority of this site issues certificates'
            USING ERRCODE = 'AM001', HINT = 'run amtctl ca init; with an authority elsewhere, order the certificate there';
    END IF;
    RETURN amt_store.audit_write('authority key read', NULL, 'for the console certificate of ' || name);
END
$$;
COMMENT ON FUNCTION amt.authority_announce IS 'Writes into the audit that the authority''s key will be read, and what for; commit, then call amt.authority_read()';

CREATE FUNCTION amt.authority_read(announcement bigint)
RETURNS TABLE (fingerprint text, certificate bytea, key_id text, nonce bytea, ciphertext bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    UPDATE amt_store.audit a SET used = true
     WHERE a.id = announcement AND a.what = 'authority key read' AND a.who = session_user AND NOT a.used
       AND a.at > now() - interval '1 minute' AND a.transaction <> pg_current_xact_id()
       AND pg_xact_status(a.transaction) = 'committed';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'reading the authority''s key was not announced'
            USING ERRCODE = 'AM002', HINT = 'call amt.authority_announce(), commit, and read within a minute';
    END IF;
    RETURN QUERY SELECT a.fingerprint, a.certificate, a.key_id, a.nonce, a.ciphertext
                   FROM amt_store.authority a WHERE a.state = 'active' AND a.kind = 'internal';
END
$$;
COMMENT ON FUNCTION amt.authority_read IS 'The internal authority that issues, its key encrypted';

CREATE FUNCTION amt.console_certificate_add(name text, authority text, serial text, key_fingerprint bytea, fingerprint text,
                                            certificate bytea, not_before timestamptz, not_after timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    INSERT INTO amt_store.console_certificate (name, authority, serial, key_fingerprint, fingerprint, certificate, not_before,
                                               not_after)
    VALUES (name, authority, serial, key_fingerprint, fingerprint, certificate, not_before, not_after);
    PERFORM amt_store.audit_write('console certificate issued', NULL, name || ' ' || serial);
END
$$;
COMMENT ON FUNCTION amt.console_certificate_add IS 'Records the certificate of a person''s console, before it is handed out';

CREATE FUNCTION amt.console_certificate_revoke(name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    revoked bigint;
BEGIN
    UPDATE amt_store.console_certificate c SET revoked_at = now()
     WHERE c.name = console_certificate_revoke.name AND c.service_point IS NULL AND c.revoked_at IS NULL AND c.not_after > now();
    GET DIAGNOSTICS revoked = ROW_COUNT;
    IF revoked = 0 THEN
        RAISE EXCEPTION 'no console of a person called % has a certificate', name
            USING ERRCODE = 'AM001', HINT = 'see amt.console_certificate; a service point''s end with amt.service_point_remove()';
    END IF;
    PERFORM amt_store.audit_write('console certificate revoked', NULL, name);
    RETURN revoked;
END
$$;
COMMENT ON FUNCTION amt.console_certificate_revoke IS 'Revokes all certificates of a person''s console; returns how many';

-- ---- which names a computer lets in ----------------------------------------------------------------

ALTER TABLE amt_store.profile
    ADD COLUMN trusted_names text[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT profile_trusted_names CHECK (cardinality(trusted_names) <= 3);

CREATE VIEW amt.profile_tls AS
    SELECT p.name AS profile, p.tls, p.trusted_names FROM amt_store.profile p;
COMMENT ON VIEW amt.profile_tls IS 'TLS of the computers with a profile';
COMMENT ON COLUMN amt.profile_tls.trusted_names IS 'With mutual: common names of the client certificates that are let in, besides the service points'' own; empty: any name';

-- Four fit into firmware (AMT SDK: FqdnSuffixMaxEntries, FqdnSuffixMaxEntryLength), and one is that of the service points.
CREATE FUNCTION amt.profile_trusted_names_set(profile text, names text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    wrong text;
BEGIN
    PERFORM amt_store.profile_must_exist(profile);
    IF cardinality(names) > 3 THEN
        RAISE EXCEPTION 'profile %: % trusted names', profile, cardinality(names)
            USING ERRCODE = 'AM003', HINT = 'give at most three: the firmware holds four, and one is the service points''';
    END IF;
    SELECT n INTO wrong FROM unnest(names) n WHERE n !~ '^[A-Za-z0-9]([A-Za-z0-9 ._@-]{0,61}[A-Za-z0-9])?$' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'profile %: "%" cannot be a trusted name', profile, wrong
            USING ERRCODE = 'AM003', HINT = 'use 1 to 63 letters, digits, spaces and . _ @ -, beginning and ending with a letter or digit';
    END IF;
    UPDATE amt_store.profile p SET trusted_names = coalesce(names, '{}'), changed_at = now(), changed_by = session_user
     WHERE p.name = profile;
    PERFORM amt_store.audit_write('trusted names of profile set', NULL, profile || ' ' || array_to_string(names, ', '));
END
$$;
COMMENT ON FUNCTION amt.profile_trusted_names_set IS 'Which common names computers with this profile let in when tls is mutual; empty: any whose root they trust';

REVOKE ALL ON FUNCTION amt_store.console_certificate_gone, amt_store.service_point_shut_out, amt.authority_announce,
    amt.authority_read, amt.console_certificate_add, amt.console_certificate_revoke, amt.profile_trusted_names_set FROM PUBLIC;
GRANT SELECT ON amt.console_certificate, amt.profile_tls TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT EXECUTE ON FUNCTION amt.profile_trusted_names_set TO amt_operator;
-- Whoever has such a certificate needs a password still; but who can have the authority's key could be any computer.
GRANT EXECUTE ON FUNCTION amt.authority_announce, amt.authority_read, amt.console_certificate_add,
    amt.console_certificate_revoke TO amt_administrator;
GRANT SELECT, INSERT, UPDATE, DELETE ON amt_store.console_certificate TO amt_site_server;
