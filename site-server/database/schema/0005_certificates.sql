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
             WHERE j.uuid = t.uuid AND j.kind = 'renew-certificate' AND j.requested_at > t.issued_at
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

-- ---- who may do what -------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION amt_store.tell_of_revocation, amt_store.certificate_gone, amt_store.certificate_back FROM PUBLIC;
GRANT SELECT ON amt.certificate_request, amt.issuer, amt.revocation, amt.revocation_list, amt.certificate_expiry
    TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON amt_store.certificate_request, amt_store.revocation, amt_store.revocation_list TO amt_site_server;
