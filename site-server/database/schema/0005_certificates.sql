-- 0005_certificates.sql: revocation and its publication, issuers that are asked over the network, what expires when, and
-- which computers trust which root.

-- ---- issuers ---------------------------------------------------------------------------------------

-- An issuer that is asked with CMP (RFC 4210) keeps its key to itself.
ALTER TABLE amt_store.authority
    ADD COLUMN kind text NOT NULL DEFAULT 'internal' CHECK (kind IN ('internal', 'cmp')),
    ALTER COLUMN key_id DROP NOT NULL, ALTER COLUMN nonce DROP NOT NULL, ALTER COLUMN ciphertext DROP NOT NULL,
    ADD CONSTRAINT authority_key_where_internal
        CHECK (num_nulls(key_id, nonce, ciphertext) = CASE kind WHEN 'internal' THEN 0 ELSE 3 END);

CREATE OR REPLACE VIEW amt_store.sealed_value AS
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
    SELECT 'authority', fingerprint, 'authority|' || fingerprint, key_id, nonce, ciphertext
      FROM amt_store.authority WHERE ciphertext IS NOT NULL
    UNION ALL
    SELECT 'profile_wireless', profile || '|' || name, 'wireless|' || profile || '|' || name, key_id, nonce, ciphertext
      FROM amt_store.profile_wireless WHERE ciphertext IS NOT NULL
    UNION ALL
    SELECT 'profile_wired_8021x', profile, 'wired-802.1x|' || profile, key_id, nonce, ciphertext
      FROM amt_store.profile_wired_8021x WHERE ciphertext IS NOT NULL;

CREATE VIEW amt.issuer AS
    SELECT fingerprint, subject, kind, state, not_before, not_after, created_at
      FROM amt_store.authority;
COMMENT ON VIEW amt.issuer IS 'Who issues, or issued, the certificates of the firmware';
COMMENT ON COLUMN amt.issuer.kind IS 'internal: its key is here, sealed; cmp: an authority that is asked over the network (RFC 4210)';
COMMENT ON COLUMN amt.issuer.state IS 'active: it issues now; retired: its certificates are good until they are replaced';

-- ---- revocation ------------------------------------------------------------------------------------

-- Of its own, because it outlives the computer: a list names a certificate until that would have ended.
CREATE TABLE amt_store.revocation (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    authority    text NOT NULL REFERENCES amt_store.authority,
    serial       text NOT NULL, -- hexadecimal
    certificate  bytea NOT NULL,
    uuid         uuid NOT NULL, -- of a computer that may be removed since
    fqdn         text NOT NULL,
    usage        text NOT NULL,
    not_after    timestamptz NOT NULL,
    reason       smallint NOT NULL, -- RFC 5280 5.3.1
    revoked_at   timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz, -- on a list, or acknowledged by the authority that issued it
    attempts     integer NOT NULL DEFAULT 0,
    try_at       timestamptz NOT NULL DEFAULT now(),
    problem_code text,
    problem      text,
    UNIQUE (authority, serial)
);
CREATE INDEX revocation_to_publish ON amt_store.revocation (authority, try_at) WHERE published_at IS NULL;

CREATE TABLE amt_store.revocation_list (
    authority   text PRIMARY KEY REFERENCES amt_store.authority,
    number      bigint NOT NULL CHECK (number > 0), -- RFC 5280 5.2.3: it only ever grows
    this_update timestamptz NOT NULL,
    next_update timestamptz NOT NULL,
    entries     integer NOT NULL,
    list        bytea NOT NULL
);

-- Other site servers of this database publish it too.
CREATE FUNCTION amt_store.tell_of_revocation() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('amt_revocation', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER revocation_list_made AFTER INSERT OR UPDATE ON amt_store.revocation_list
    FOR EACH STATEMENT EXECUTE FUNCTION amt_store.tell_of_revocation();

-- Whatever makes a certificate of ours worthless: replaced in the firmware, unprovisioned, the computer removed.
CREATE FUNCTION amt_store.certificate_gone() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone amt_store.certificate := OLD;
    gone_reason smallint := 5; -- cessationOfOperation
BEGIN
    IF TG_OP = 'UPDATE' THEN
        gone := NEW;
        gone_reason := CASE WHEN NEW.state = 'superseded' THEN 4 ELSE coalesce(NEW.revocation_reason, 0) END;
    END IF;
    IF gone.not_after > now() THEN
        INSERT INTO amt_store.revocation (authority, serial, certificate, uuid, fqdn, usage, not_after, reason)
        VALUES (gone.authority, gone.serial, gone.certificate, gone.uuid, gone.fqdn, gone.usage, gone.not_after, gone_reason)
            ON CONFLICT (authority, serial) DO NOTHING;
        PERFORM pg_notify('amt_revocation', '');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER certificate_replaced AFTER UPDATE OF state ON amt_store.certificate
    FOR EACH ROW WHEN (NEW.state IN ('superseded', 'revoked') AND OLD.state NOT IN ('superseded', 'revoked'))
    EXECUTE FUNCTION amt_store.certificate_gone();
CREATE TRIGGER certificate_removed AFTER DELETE ON amt_store.certificate
    FOR EACH ROW EXECUTE FUNCTION amt_store.certificate_gone();

-- A revocation cannot be taken back: firmware that turns out to use such a certificate gets another one soon.
CREATE FUNCTION amt_store.certificate_back() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM amt_store.revocation r WHERE r.authority = NEW.authority AND r.serial = NEW.serial) THEN
        NEW.renew_at := now();
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER certificate_reused BEFORE UPDATE OF state ON amt_store.certificate
    FOR EACH ROW WHEN (NEW.state = 'active' AND OLD.state = 'superseded')
    EXECUTE FUNCTION amt_store.certificate_back();

-- What went before: nothing told anybody of it so far.
INSERT INTO amt_store.revocation (authority, serial, certificate, uuid, fqdn, usage, not_after, reason, revoked_at)
SELECT t.authority, t.serial, t.certificate, t.uuid, t.fqdn, t.usage, t.not_after,
       CASE WHEN t.state = 'superseded' THEN 4 ELSE coalesce(t.revocation_reason, 0) END, coalesce(t.revoked_at, now())
  FROM amt_store.certificate t
 WHERE t.state IN ('superseded', 'revoked') AND t.not_after > now();

CREATE VIEW amt.revocation AS
    SELECT r.uuid, r.fqdn, r.usage, r.serial, a.subject AS issuer, a.kind AS issuer_kind, r.reason, r.revoked_at, r.published_at,
           r.not_after, r.attempts, r.problem_code, r.problem
      FROM amt_store.revocation r JOIN amt_store.authority a ON a.fingerprint = r.authority;
COMMENT ON VIEW amt.revocation IS 'Certificates that count no more: replaced, unprovisioned, or of computers removed since';
COMMENT ON COLUMN amt.revocation.reason IS 'RFC 5280 5.3.1: 4 superseded, 5 cessation of operation';
COMMENT ON COLUMN amt.revocation.published_at IS 'When it came onto a list (internal), or the authority acknowledged it (cmp); NULL: not yet';
COMMENT ON COLUMN amt.revocation.problem IS 'Why the authority did not take it when it was asked last; it is asked again';

CREATE VIEW amt.revocation_list AS
    SELECT left(l.authority, 16) AS name, a.subject AS issuer, l.number, l.this_update, l.next_update, l.entries, l.list
      FROM amt_store.revocation_list l JOIN amt_store.authority a ON a.fingerprint = l.authority;
COMMENT ON VIEW amt.revocation_list IS 'The newest revocation list (RFC 5280) of each internal authority';
COMMENT ON COLUMN amt.revocation_list.name IS 'Published as NAME.crl';
COMMENT ON COLUMN amt.revocation_list.list IS 'DER';

-- ---- certificates that are ordered elsewhere --------------------------------------------------------

CREATE TABLE amt_store.certificate_request (
    job             bigint NOT NULL REFERENCES amt_store.job ON DELETE CASCADE,
    key_fingerprint bytea NOT NULL, -- SHA-256 of the SubjectPublicKeyInfo
    usage           text NOT NULL CHECK (usage IN ('server', 'client')),
    uuid            uuid NOT NULL REFERENCES amt_store.computer ON DELETE CASCADE,
    fqdn            text NOT NULL,
    state           text NOT NULL CHECK (state IN ('asked', 'waiting', 'granted', 'refused')),
    asked_at        timestamptz NOT NULL DEFAULT now(),
    ask_again_at    timestamptz,
    ended_at        timestamptz,
    problem_code    text,
    problem         text,
    PRIMARY KEY (job, key_fingerprint, usage)
);

CREATE VIEW amt.certificate_request AS
    SELECT uuid, fqdn, usage, job, state, asked_at, ask_again_at, ended_at, problem_code, problem
      FROM amt_store.certificate_request;
COMMENT ON VIEW amt.certificate_request IS 'What an authority elsewhere was asked for (certificate.issuer = cmp)';
COMMENT ON COLUMN amt.certificate_request.state IS 'asked, waiting (the authority has not decided; see ask_again_at), granted or refused';

-- ---- what expires when -----------------------------------------------------------------------------

CREATE VIEW amt.certificate_expiry AS
    SELECT 'computer' AS what, c.fqdn AS name, t.usage AS detail, t.not_after, t.renew_at, t.uuid,
           (SELECT concat_ws(', ', 'job ' || j.id || ' ' || j.state, j.reason) FROM amt_store.job j
             WHERE j.uuid = t.uuid AND j.requested_by = 'certificate' AND j.requested_at > t.issued_at
               AND j.kind = CASE t.usage WHEN 'client' THEN 'update' ELSE 'renew-certificate' END
             ORDER BY j.id DESC LIMIT 1) AS renewal
      FROM amt_store.certificate t JOIN amt_store.computer c USING (uuid)
     WHERE t.state = 'active'
    UNION ALL
    SELECT 'issuer', a.subject, a.kind || ', ' || a.state, a.not_after, NULL, NULL, NULL
      FROM amt_store.authority a
     WHERE a.state = 'active' OR EXISTS (SELECT FROM amt_store.certificate t WHERE t.authority = a.fingerprint AND t.state = 'active')
    UNION ALL
    SELECT 'revocation list', l.issuer, l.name || '.crl', l.next_update, NULL, NULL, NULL
      FROM amt.revocation_list l
    UNION ALL
    SELECT 'provisioning certificate', c ->> 'subject', coalesce(p.name, p.said_name, left(p.key, 8)),
           (c ->> 'not_after')::timestamptz, NULL, NULL, NULL
      FROM amt_store.service_point p CROSS JOIN jsonb_array_elements(p.certificates) AS c
     WHERE p.state = 'approved';
COMMENT ON VIEW amt.certificate_expiry IS 'Everything that ends by its own date; ORDER BY not_after';
COMMENT ON COLUMN amt.certificate_expiry.what IS 'computer, issuer, revocation list or provisioning certificate';
COMMENT ON COLUMN amt.certificate_expiry.detail IS 'computer: usage of the certificate; issuer: kind and state; revocation list: its file; provisioning certificate: its service point';
COMMENT ON COLUMN amt.certificate_expiry.renew_at IS 'When a job replaces it by itself';
COMMENT ON COLUMN amt.certificate_expiry.renewal IS 'The newest job for that, and what it waits for';

-- ---- provisioning certificates, and who trusts their roots --------------------------------------------

CREATE TABLE amt_store.provisioning_certificate (
    service_point  bigint NOT NULL REFERENCES amt_store.service_point ON DELETE CASCADE,
    position       bigint NOT NULL, -- in its configuration, from 1
    common_name    text,
    subject        text NOT NULL,
    root_subject   text NOT NULL,
    not_after      timestamptz, -- of the certificate of the chain that ends first
    root_not_after timestamptz,
    root_hashes    text[] NOT NULL, -- of the one root, one an algorithm, sorted
    chain          bytea[] NOT NULL,
    told_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (service_point, position)
);

CREATE VIEW amt.provisioning_certificate AS
    SELECT coalesce(p.name, p.said_name, left(p.key, 8)) AS service_point,
           coalesce(p.connected_until > now(), false) AS connected, c.position, c.common_name, c.subject, c.root_subject,
           c.not_after, c.root_not_after, c.root_hashes, c.chain, c.told_at
      FROM amt_store.provisioning_certificate c JOIN amt_store.service_point p ON p.id = c.service_point
     WHERE p.state = 'approved';
COMMENT ON VIEW amt.provisioning_certificate IS 'Provisioning certificates of the admitted service points';
COMMENT ON COLUMN amt.provisioning_certificate.not_after IS 'End of the certificate of the chain that ends first';
COMMENT ON COLUMN amt.provisioning_certificate.root_hashes IS 'Of the one root, ALGORITHM:HASH: what firmware must know';
COMMENT ON COLUMN amt.provisioning_certificate.chain IS 'DER, leaf first, root last; empty when the service point is too old to tell';

-- Which roots a computer's firmware trusts, as far as it told.
CREATE VIEW amt_store.trusted_roots AS
    SELECT c.uuid, c.amt_status, h.root_hashes
      FROM amt_store.computer c LEFT JOIN amt_store.hello h USING (uuid);

-- Our roots, however many certificates stand under each.
CREATE VIEW amt_store.own_root AS
    SELECT c.root_hashes, min(c.root_subject) AS root, max(c.root_not_after) AS root_not_after,
           max(coalesce(c.not_after, 'infinity')) AS usable_until, count(*) AS certificates,
           count(DISTINCT c.service_point) AS service_points
      FROM amt_store.provisioning_certificate c JOIN amt_store.service_point p ON p.id = c.service_point
     WHERE p.state = 'approved' AND c.root_hashes <> '{}'
     GROUP BY c.root_hashes;

CREATE VIEW amt.root_coverage AS
    WITH trusted AS MATERIALIZED (
        SELECT t.uuid, t.amt_status, r.root_hashes, count(*) OVER (PARTITION BY t.uuid) AS roots
          FROM amt_store.trusted_roots t JOIN amt_store.own_root r ON r.root_hashes && t.root_hashes
    )
    SELECT r.root, (SELECT h FROM unnest(r.root_hashes) AS h WHERE h LIKE 'SHA-256:%') AS sha256, r.certificates,
           r.service_points, nullif(r.usable_until, 'infinity') AS usable_until, r.root_not_after,
           count(t.uuid) AS computers, count(t.uuid) FILTER (WHERE t.amt_status IS DISTINCT FROM 3) AS not_provisioned,
           count(t.uuid) FILTER (WHERE t.roots = 1) AS only_this
      FROM amt_store.own_root r LEFT JOIN trusted t USING (root_hashes)
     GROUP BY r.root_hashes, r.root, r.certificates, r.service_points, r.usable_until, r.root_not_after;
COMMENT ON VIEW amt.root_coverage IS 'How many computers trust which of our provisioning roots, as far as their Hellos told';
COMMENT ON COLUMN amt.root_coverage.usable_until IS 'When the last of our certificates under this root ends';
COMMENT ON COLUMN amt.root_coverage.computers IS 'Imported computers whose firmware trusts it';
COMMENT ON COLUMN amt.root_coverage.not_provisioned IS 'Of these, those that are not provisioned: they need it';
COMMENT ON COLUMN amt.root_coverage.only_this IS 'Of these, those that trust no other root of ours';

CREATE VIEW amt.root_end AS
    WITH best AS MATERIALIZED (
        SELECT t.uuid, t.amt_status, t.root_hashes IS NULL AS silent, max(r.usable_until) AS usable_until
          FROM amt_store.trusted_roots t LEFT JOIN amt_store.own_root r ON r.root_hashes && t.root_hashes
         GROUP BY t.uuid, t.amt_status, t.root_hashes
    ), ends AS (
        SELECT CASE WHEN b.usable_until IS NULL THEN '-infinity' ELSE b.usable_until END AS ends_at,
               count(*) AS computers, count(*) FILTER (WHERE b.amt_status IS DISTINCT FROM 3) AS not_provisioned
          FROM best b WHERE NOT b.silent GROUP BY 1
    )
    SELECT CASE WHEN e.ends_at = '-infinity' THEN 'trust none of our roots'
                ELSE (SELECT string_agg(CASE WHEN r.root_not_after = r.usable_until THEN 'root ' ELSE 'certificate under ' END
                                        || r.root, ', ' ORDER BY r.root)
                        FROM amt_store.own_root r WHERE r.usable_until = e.ends_at) END AS what,
           CASE WHEN isfinite(e.ends_at) THEN e.ends_at END AS ends_at, e.computers, e.not_provisioned,
           sum(e.computers) OVER (ORDER BY e.ends_at)::bigint AS stranded
      FROM ends e
    UNION ALL
    SELECT 'not known: said no Hello yet', NULL, count(*), count(*) FILTER (WHERE b.amt_status IS DISTINCT FROM 3), NULL
      FROM best b WHERE b.silent HAVING count(*) > 0;
COMMENT ON VIEW amt.root_end IS 'How many computers can no longer be provisioned from which date on, unless certificates or roots are renewed; ORDER BY stranded';
COMMENT ON COLUMN amt.root_end.what IS 'What ends then: the last of our certificates, or roots, that these computers trust';
COMMENT ON COLUMN amt.root_end.ends_at IS 'NULL: they cannot be provisioned now, or it is not known';
COMMENT ON COLUMN amt.root_end.stranded IS 'Computers that cannot be provisioned then, those of earlier dates included';

-- ---- who may do what -------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION amt_store.tell_of_revocation, amt_store.certificate_gone, amt_store.certificate_back FROM PUBLIC;
GRANT SELECT ON amt.provisioning_certificate, amt.root_coverage, amt.root_end, amt.certificate_request, amt.issuer, amt.revocation, amt.revocation_list, amt.certificate_expiry
    TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON amt_store.provisioning_certificate, amt_store.trusted_roots, amt_store.own_root, amt_store.certificate_request, amt_store.revocation, amt_store.revocation_list TO amt_site_server;
