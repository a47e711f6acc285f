-- 0003_network_profiles.sql: the networks of a profile (spec O8.2, O8.4, 5): wireless, wired 802.1X, KVM settings.

-- Numbers as in the firmware (AMT SDK: CIM_WiFiEndpointSettings, CIM_IEEE8021xSettings).
CREATE TABLE amt_store.profile_network (
    profile                  text PRIMARY KEY REFERENCES amt_store.profile ON DELETE CASCADE,
    wireless                 text NOT NULL DEFAULT 'leave' CHECK (wireless IN ('leave', 'managed')),
    wireless_synchronization text NOT NULL DEFAULT 'leave'
                             CHECK (wireless_synchronization IN ('leave', 'off', 'user', 'all')),
    kvm_session_timeout_min  integer CHECK (kvm_session_timeout_min BETWEEN 1 AND 255),
    kvm_consent_timeout_s    integer CHECK (kvm_consent_timeout_s BETWEEN 10 AND 65535)
);

CREATE TABLE amt_store.profile_wireless (
    profile           text NOT NULL REFERENCES amt_store.profile ON DELETE CASCADE,
    name              text NOT NULL,
    ssid              text NOT NULL,
    priority          integer NOT NULL CHECK (priority BETWEEN 1 AND 255),
    authentication    text NOT NULL
                      CHECK (authentication IN ('wpa-psk', 'wpa-802.1x', 'wpa2-psk', 'wpa2-802.1x', 'wpa3-sae')),
    encryption        text NOT NULL CHECK (encryption IN ('tkip', 'ccmp', 'gcmp-256')),
    eap               text CHECK (eap IN ('tls', 'ttls-mschapv2', 'peap-mschapv2')),
    username          text,
    domain            text,
    roaming_identity  text,
    server_name       text,
    server_name_match text CHECK (server_name_match IN ('full', 'suffix')),
    trusted_root      bytea,
    key_id            text, -- the passphrase, or the EAP password
    nonce             bytea,
    ciphertext        bytea,
    PRIMARY KEY (profile, name),
    CHECK ((authentication IN ('wpa-802.1x', 'wpa2-802.1x')) = (eap IS NOT NULL)),
    CHECK ((eap IS NOT NULL) = (trusted_root IS NOT NULL)),
    CHECK ((eap IS DISTINCT FROM 'tls') = (ciphertext IS NOT NULL)),
    CHECK (num_nonnulls(key_id, nonce, ciphertext) IN (0, 3))
);

CREATE TABLE amt_store.profile_wired_8021x (
    profile           text PRIMARY KEY REFERENCES amt_store.profile ON DELETE CASCADE,
    enabled           boolean NOT NULL,
    active_in_s0      boolean NOT NULL DEFAULT true,
    pxe_timeout_s     integer NOT NULL DEFAULT 120 CHECK (pxe_timeout_s BETWEEN 0 AND 86400),
    eap               text CHECK (eap IN ('tls', 'ttls-mschapv2', 'peap-mschapv2')),
    username          text,
    domain            text,
    roaming_identity  text,
    server_name       text,
    server_name_match text CHECK (server_name_match IN ('full', 'suffix')),
    trusted_root      bytea,
    key_id            text,
    nonce             bytea,
    ciphertext        bytea,
    CHECK (enabled = (eap IS NOT NULL)),
    CHECK ((eap IS NOT NULL) = (trusted_root IS NOT NULL)),
    CHECK ((eap IN ('ttls-mschapv2', 'peap-mschapv2')) IS NOT DISTINCT FROM (ciphertext IS NOT NULL)
           OR eap IS NULL AND ciphertext IS NULL),
    CHECK (num_nonnulls(key_id, nonce, ciphertext) IN (0, 3))
);

-- Checked at the end of the transaction, so that two profiles may exchange their priorities.
CREATE FUNCTION amt_store.wireless_priority_check() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    twice record;
BEGIN
    SELECT w.priority, string_agg(w.name, ', ' ORDER BY w.name) AS names INTO twice
      FROM amt_store.profile_wireless w WHERE w.profile = NEW.profile
     GROUP BY w.priority HAVING count(*) > 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'wireless profiles % of profile % have the same priority %', twice.names, NEW.profile, twice.priority
            USING ERRCODE = 'AM003', HINT = 'give each a priority of its own, 1 is the highest';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER wireless_priority_unique AFTER INSERT OR UPDATE ON amt_store.profile_wireless
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION amt_store.wireless_priority_check();

-- ---- certificates for clients ----------------------------------------------------------------------

ALTER TABLE amt_store.certificate ADD COLUMN usage text NOT NULL DEFAULT 'server' CHECK (usage IN ('server', 'client'));
DROP INDEX amt_store.certificate_of_request;
CREATE UNIQUE INDEX certificate_of_request ON amt_store.certificate (job, key_fingerprint, fqdn, usage) WHERE state <> 'revoked';

-- With the usage.
CREATE OR REPLACE VIEW amt.certificate AS
    SELECT t.id, t.uuid, c.fqdn AS computer, t.fqdn, t.serial, a.subject AS issuer, t.state, t.not_before,
           t.not_after, t.renew_at, t.issued_at, t.activated_at, t.revoked_at, t.revocation_reason, t.job,
           t.attempt, t.fingerprint, t.certificate, t.usage
      FROM amt_store.certificate t
      JOIN amt_store.computer c USING (uuid)
      JOIN amt_store.authority a ON a.fingerprint = t.authority;
COMMENT ON COLUMN amt.certificate.usage IS 'server: of the firmware''s TLS server; client: for 802.1X networks (EAP-TLS)';
-- Of the server's certificate alone.
CREATE OR REPLACE VIEW amt.computer AS
    SELECT c.uuid, c.short_name, c.fqdn, c.mac, host(c.address) AS address, c.amt_status,
           coalesce(s.name, 'unknown') AS amt_status_name, c.reason_code, c.reason, c.firmware_version,
           c.provisioned_at, c.profile, c.blocked, c.blocked_why, c.managed_in_band, c.last_hello_at,
           c.imported_at, c.auto_reprovision,
           (SELECT max(j.id) FROM amt_store.job j WHERE j.uuid = c.uuid) AS last_job,
           (SELECT max(t.not_after) FROM amt_store.certificate t
             WHERE t.uuid = c.uuid AND t.state = 'active' AND t.usage = 'server') AS certificate_not_after
      FROM amt_store.computer c LEFT JOIN amt_store.status_name s ON s.status = c.amt_status;

-- ---- sealed values ---------------------------------------------------------------------------------

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
    SELECT 'authority', fingerprint, 'authority|' || fingerprint, key_id, nonce, ciphertext FROM amt_store.authority
    UNION ALL
    SELECT 'profile_wireless', profile || '|' || name, 'wireless|' || profile || '|' || name, key_id, nonce, ciphertext
      FROM amt_store.profile_wireless WHERE ciphertext IS NOT NULL
    UNION ALL
    SELECT 'profile_wired_8021x', profile, 'wired-802.1x|' || profile, key_id, nonce, ciphertext
      FROM amt_store.profile_wired_8021x WHERE ciphertext IS NOT NULL;

-- The former function keeps the former places, whatever became of it since; this one is in front of it.
ALTER FUNCTION amt.sealed_replace(text, text, bytea, amt.sealed) SET SCHEMA amt_store;
CREATE FUNCTION amt.sealed_replace(place text, id text, former_nonce bytea, value amt.sealed) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    IF place = 'profile_wireless' THEN
        UPDATE amt_store.profile_wireless w
           SET key_id = (value).key_id, nonce = (value).nonce, ciphertext = (value).ciphertext
         WHERE w.profile || '|' || w.name = sealed_replace.id AND w.nonce = former_nonce;
        RETURN FOUND;
    END IF;
    IF place = 'profile_wired_8021x' THEN
        UPDATE amt_store.profile_wired_8021x w
           SET key_id = (value).key_id, nonce = (value).nonce, ciphertext = (value).ciphertext
         WHERE w.profile = sealed_replace.id AND w.nonce = former_nonce;
        RETURN FOUND;
    END IF;
    RETURN amt_store.sealed_replace(place, id, former_nonce, value);
END
$$;
COMMENT ON FUNCTION amt.sealed_replace IS 'Replaces an encrypted value by the same one under another key; false: somebody changed it meanwhile';

-- ---- views -----------------------------------------------------------------------------------------

CREATE VIEW amt.profile_network AS
    SELECT p.name AS profile, coalesce(n.wireless, 'leave') AS wireless,
           coalesce(n.wireless_synchronization, 'leave') AS wireless_synchronization,
           n.kvm_session_timeout_min, n.kvm_consent_timeout_s
      FROM amt_store.profile p LEFT JOIN amt_store.profile_network n ON n.profile = p.name;
COMMENT ON VIEW amt.profile_network IS 'What a profile says of networks and KVM sessions beside amt.profile';
COMMENT ON COLUMN amt.profile_network.wireless IS 'leave: as it is; managed: the firmware gets exactly amt.profile_wireless, also when it is empty';
COMMENT ON COLUMN amt.profile_network.wireless_synchronization IS 'Wireless profiles of the operating system in the firmware: leave (as it is), off, user, all';
COMMENT ON COLUMN amt.profile_network.kvm_session_timeout_min IS 'Minutes without traffic after which a KVM session ends; NULL: as it is';
COMMENT ON COLUMN amt.profile_network.kvm_consent_timeout_s IS 'Seconds in which the person at the computer may consent; NULL: as it is';

CREATE VIEW amt.profile_wireless AS
    SELECT w.profile, w.name, w.ssid, w.priority, w.authentication, w.encryption, w.eap, w.username, w.domain,
           w.roaming_identity, w.server_name, w.server_name_match, w.trusted_root,
           w.ciphertext IS NOT NULL AS password_set
      FROM amt_store.profile_wireless w;
COMMENT ON VIEW amt.profile_wireless IS 'Wireless profiles that a profile writes into the firmware';
COMMENT ON COLUMN amt.profile_wireless.priority IS '1 is the highest';
COMMENT ON COLUMN amt.profile_wireless.eap IS 'With 802.1X: tls (client certificate of this site), ttls-mschapv2 or peap-mschapv2 (user and password)';
COMMENT ON COLUMN amt.profile_wireless.username IS 'Identity with 802.1X; NULL: the FQDN of the computer';
COMMENT ON COLUMN amt.profile_wireless.server_name IS 'Name that the RADIUS server''s certificate must have; NULL: any that the trusted root vouches for';
COMMENT ON COLUMN amt.profile_wireless.trusted_root IS 'Authority of the RADIUS server, DER';
COMMENT ON COLUMN amt.profile_wireless.password_set IS 'There is a passphrase or password';

CREATE VIEW amt.profile_wired_8021x AS
    SELECT w.profile, w.enabled, w.active_in_s0, w.pxe_timeout_s, w.eap, w.username, w.domain, w.roaming_identity,
           w.server_name, w.server_name_match, w.trusted_root, w.ciphertext IS NOT NULL AS password_set
      FROM amt_store.profile_wired_8021x w;
COMMENT ON VIEW amt.profile_wired_8021x IS 'Wired 802.1X of profiles; a profile that is not here leaves it as it is';
COMMENT ON COLUMN amt.profile_wired_8021x.active_in_s0 IS 'The firmware answers the switch also while the operating system runs';
COMMENT ON COLUMN amt.profile_wired_8021x.pxe_timeout_s IS 'Seconds for which the firmware keeps the port open for a network boot; 0: the host does 802.1X';
COMMENT ON COLUMN amt.profile_wired_8021x.username IS 'Identity; NULL: the FQDN of the computer';

-- ---- functions for operators -----------------------------------------------------------------------

-- what: for messages, "wireless profile office of profile default".
CREATE FUNCTION amt_store.network_keys_check(what text, settings jsonb, known text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    strange text;
BEGIN
    IF jsonb_typeof(settings) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION '%: the settings are no JSON object', what
            USING ERRCODE = 'AM003', HINT = 'give for example {"ssid": "office", "priority": 1}';
    END IF;
    SELECT k INTO strange FROM jsonb_object_keys(settings) k WHERE k <> ALL (known) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '%: there is no setting %', what, strange
            USING ERRCODE = 'AM003', HINT = 'there are: ' || array_to_string(known, ', ');
    END IF;
END
$$;

-- The word that the setting has, or the default; refuses others.
CREATE FUNCTION amt_store.network_word(what text, settings jsonb, key text, words text[], otherwise text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    word text := coalesce(settings ->> key, otherwise);
BEGIN
    IF word IS NULL OR word <> ALL (words) THEN
        RAISE EXCEPTION '%: % cannot be %', what, replace(key, '_', ' '), coalesce(word, 'absent')
            USING ERRCODE = 'AM003', HINT = 'give one of: ' || array_to_string(words, ', ');
    END IF;
    RETURN word;
END
$$;

CREATE FUNCTION amt_store.network_number(what text, settings jsonb, key text, at_least integer, at_most integer, otherwise integer)
RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    said text := coalesce(settings ->> key, otherwise::text);
BEGIN
    IF said IS NULL OR said !~ '^[0-9]{1,9}$' OR said::integer NOT BETWEEN at_least AND at_most THEN
        RAISE EXCEPTION '%: % cannot be %', what, replace(key, '_', ' '), coalesce(said, 'absent')
            USING ERRCODE = 'AM003', HINT = 'give a number from ' || at_least || ' to ' || at_most;
    END IF;
    RETURN said::integer;
END
$$;

CREATE FUNCTION amt_store.network_text(what text, settings jsonb, key text, most integer) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    said text := nullif(settings ->> key, '');
BEGIN
    IF octet_length(said) > most OR said ~ '[[:cntrl:]]' THEN
        RAISE EXCEPTION '%: % is longer than % bytes, or has control characters', what, replace(key, '_', ' '), most
            USING ERRCODE = 'AM003', HINT = 'the firmware takes no more';
    END IF;
    RETURN said;
END
$$;

-- The tag of AES-256-GCM has 16 bytes, so the length of the text is known without its key.
CREATE FUNCTION amt_store.network_secret_check(what text, value amt.sealed, kind text, at_least integer, at_most integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    octets integer := length((value).ciphertext) - 16;
BEGIN
    IF num_nonnulls((value).key_id, (value).nonce, (value).ciphertext) <> 3 OR length((value).nonce) <> 12 THEN
        RAISE EXCEPTION '%: the % is missing, or not encrypted as amtctl does it', what, kind
            USING ERRCODE = 'AM003', HINT = 'give it in the password file of amtctl profile set';
    END IF;
    IF octets NOT BETWEEN at_least AND at_most THEN
        RAISE EXCEPTION '%: the % has % characters', what, kind, octets
            USING ERRCODE = 'AM003', HINT = 'it must have ' || at_least || ' to ' || at_most;
    END IF;
END
$$;

-- What every use of EAP must fulfil; former NULL: there is none to keep. Returns the sealed password to be stored.
CREATE FUNCTION amt_store.network_eap_check(what text, settings jsonb, trusted_root bytea, password amt.sealed, former amt.sealed)
RETURNS amt.sealed
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    eap text := amt_store.network_word(what, settings, 'eap', ARRAY['tls', 'ttls-mschapv2', 'peap-mschapv2'], NULL);
    server_name text := amt_store.network_text(what, settings, 'server_name', 253);
    kept amt.sealed := password;
BEGIN
    IF trusted_root IS NULL OR length(trusted_root) NOT BETWEEN 64 AND 4100 OR get_byte(trusted_root, 0) <> 48 THEN
        RAISE EXCEPTION '%: the trusted root of the RADIUS server is missing, or no certificate of at most 4100 bytes', what
            USING ERRCODE = 'AM003', HINT = 'give the certificate of the authority that issued the RADIUS server''s';
    END IF;
    IF server_name !~ '^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$' THEN
        RAISE EXCEPTION '%: the server name % is no DNS name', what, server_name
            USING ERRCODE = 'AM003', HINT = 'give the name in the RADIUS server''s certificate, or its domain with the match suffix';
    END IF;
    IF server_name IS NULL AND settings ->> 'server_name_match' IS NOT NULL THEN
        RAISE EXCEPTION '%: there is a server name match without a server name', what
            USING ERRCODE = 'AM003', HINT = 'give the server name, too';
    END IF;
    PERFORM amt_store.network_word(what, settings, 'server_name_match', ARRAY['full', 'suffix'], 'full');
    IF eap = 'tls' THEN
        IF (password).ciphertext IS NOT NULL THEN
            RAISE EXCEPTION '%: EAP-TLS has a certificate, no password', what
                USING ERRCODE = 'AM003', HINT = 'take it out of the password file';
        END IF;
        RETURN NULL;
    END IF;
    IF amt_store.network_text(what, settings, 'username', 128) IS NULL THEN
        RAISE EXCEPTION '%: % needs a user', what, eap
            USING ERRCODE = 'AM003', HINT = 'give the user name that the RADIUS server knows';
    END IF;
    IF (kept).ciphertext IS NULL THEN
        kept := former;
    END IF;
    PERFORM amt_store.network_secret_check(what, kept, 'password', 1, 32);
    RETURN kept;
END
$$;

CREATE FUNCTION amt_store.profile_changed(profile text, what text, detail text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE amt_store.profile p SET changed_at = now(), changed_by = session_user WHERE p.name = $1;
    SELECT amt_store.audit_write($2, NULL, $1 || coalesce(' ' || $3, ''));
$$;

CREATE FUNCTION amt.profile_network_set(profile text, settings jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    what text := 'profile ' || profile;
    minutes integer;
    seconds integer;
BEGIN
    PERFORM amt_store.profile_must_exist(profile);
    PERFORM amt_store.network_keys_check(what, settings, ARRAY['wireless', 'wireless_synchronization',
                                                               'kvm_session_timeout_min', 'kvm_consent_timeout_s']);
    IF settings ->> 'kvm_session_timeout_min' IS NOT NULL THEN
        minutes := amt_store.network_number(what, settings, 'kvm_session_timeout_min', 1, 255, NULL);
    END IF;
    IF settings ->> 'kvm_consent_timeout_s' IS NOT NULL THEN
        seconds := amt_store.network_number(what, settings, 'kvm_consent_timeout_s', 10, 65535, NULL);
    END IF;
    INSERT INTO amt_store.profile_network AS n (profile, wireless, wireless_synchronization, kvm_session_timeout_min, kvm_consent_timeout_s)
    VALUES (profile, amt_store.network_word(what, settings, 'wireless', ARRAY['leave', 'managed'], 'leave'),
            amt_store.network_word(what, settings, 'wireless_synchronization', ARRAY['leave', 'off', 'user', 'all'], 'leave'),
            minutes, seconds)
        ON CONFLICT ON CONSTRAINT profile_network_pkey DO UPDATE
       SET wireless = EXCLUDED.wireless, wireless_synchronization = EXCLUDED.wireless_synchronization,
           kvm_session_timeout_min = EXCLUDED.kvm_session_timeout_min, kvm_consent_timeout_s = EXCLUDED.kvm_consent_timeout_s;
    IF (SELECT n.wireless FROM amt_store.profile_network n WHERE n.profile = profile_network_set.profile) = 'leave'
       AND EXISTS (SELECT FROM amt_store.profile_wireless w WHERE w.profile = profile_network_set.profile) THEN
        RAISE EXCEPTION '% has wireless profiles, so wireless cannot be left as it is', what
            USING ERRCODE = 'AM002', HINT = 'remove them first, or set wireless to managed';
    END IF;
    PERFORM amt_store.profile_changed(profile, 'network settings of profile set', settings::text);
END
$$;
COMMENT ON FUNCTION amt.profile_network_set IS 'Sets all of amt.profile_network of a profile; what is left out gets its default';

CREATE FUNCTION amt.profile_wireless_set(profile text, name text, settings jsonb, trusted_root bytea DEFAULT NULL,
                                         password amt.sealed DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    what text := 'wireless profile ' || coalesce(name, '?') || ' of profile ' || profile;
    ssid text := settings ->> 'ssid';
    authentication text;
    encryption text;
    eap boolean;
    former amt.sealed;
    kept amt.sealed;
BEGIN
    PERFORM amt_store.profile_must_exist(profile);
    IF name IS NULL OR name !~ '^[A-Za-z0-9]([A-Za-z0-9 ._-]{0,30}[A-Za-z0-9._-])?$' THEN
        RAISE EXCEPTION '%: a wireless profile cannot be called so', what
            USING ERRCODE = 'AM003', HINT = 'use 1 to 32 letters, digits, spaces and . _ -, beginning with a letter or digit';
    END IF;
    PERFORM amt_store.network_keys_check(what, settings,
        ARRAY['ssid', 'priority', 'authentication', 'encryption', 'eap', 'username', 'domain', 'roaming_identity',
              'server_name', 'server_name_match']);
    IF ssid IS NULL OR octet_length(ssid) NOT BETWEEN 1 AND 32 OR ssid ~ '[[:cntrl:]]' THEN
        RAISE EXCEPTION '%: the SSID has % bytes, or control characters', what, coalesce(octet_length(ssid), 0)
            USING ERRCODE = 'AM003', HINT = 'an SSID has 1 to 32 bytes (IEEE 802.11)';
    END IF;
    authentication := amt_store.network_word(what, settings, 'authentication',
        ARRAY['wpa-psk', 'wpa-802.1x', 'wpa2-psk', 'wpa2-802.1x', 'wpa3-sae'], NULL);
    encryption := amt_store.network_word(what, settings, 'encryption', ARRAY['tkip', 'ccmp', 'gcmp-256'], 'ccmp');
    IF (encryption = 'gcmp-256') > (authentication = 'wpa3-sae') OR (encryption = 'tkip' AND authentication = 'wpa3-sae') THEN
        RAISE EXCEPTION '%: % does not go with %', what, encryption, authentication
            USING ERRCODE = 'AM003', HINT = 'tkip and ccmp go with WPA and WPA2, ccmp and gcmp-256 with WPA3';
    END IF;
    eap := authentication IN ('wpa-802.1x', 'wpa2-802.1x');
    SELECT w.key_id, w.nonce, w.ciphertext, NULL::bytea INTO former FROM amt_store.profile_wireless w
     WHERE w.profile = profile_wireless_set.profile AND w.name = profile_wireless_set.name
       AND (w.eap IS NOT NULL) = eap AND w.ciphertext IS NOT NULL;
    IF eap THEN
        kept := amt_store.network_eap_check(what, settings, trusted_root, password, former);
    ELSE
        IF trusted_root IS NOT NULL OR settings ?| ARRAY['eap', 'username', 'domain', 'roaming_identity', 'server_name',
                                                         'server_name_match'] THEN
            RAISE EXCEPTION '%: % has a passphrase, no EAP settings and no trusted root', what, authentication
                USING ERRCODE = 'AM003', HINT = 'leave them out, or set the authentication to wpa2-802.1x';
        END IF;
        kept := CASE WHEN (password).ciphertext IS NULL THEN former ELSE password END;
        PERFORM amt_store.network_secret_check(what, kept, 'passphrase', 8, 63);
    END IF;
    IF (SELECT count(*) FROM amt_store.profile_wireless w
         WHERE w.profile = profile_wireless_set.profile AND w.name <> profile_wireless_set.name) >= 15 THEN
        RAISE EXCEPTION 'profile % is full: the firmware takes 15 wireless profiles', profile
            USING ERRCODE = 'AM002', HINT = 'remove one first';
    END IF;
    INSERT INTO amt_store.profile_wireless
           (profile, name, ssid, priority, authentication, encryption, eap, username, domain, roaming_identity,
            server_name, server_name_match, trusted_root, key_id, nonce, ciphertext)
    VALUES (profile, name, ssid, amt_store.network_number(what, settings, 'priority', 1, 255, NULL), authentication,
            encryption, settings ->> 'eap', amt_store.network_text(what, settings, 'username', 128),
            amt_store.network_text(what, settings, 'domain', 128),
            amt_store.network_text(what, settings, 'roaming_identity', 128), nullif(settings ->> 'server_name', ''),
            settings ->> 'server_name_match', trusted_root, (kept).key_id, (kept).nonce, (kept).ciphertext)
        ON CONFLICT ON CONSTRAINT profile_wireless_pkey DO UPDATE
       SET ssid = EXCLUDED.ssid, priority = EXCLUDED.priority, authentication = EXCLUDED.authentication,
           encryption = EXCLUDED.encryption, eap = EXCLUDED.eap, username = EXCLUDED.username, domain = EXCLUDED.domain,
           roaming_identity = EXCLUDED.roaming_identity, server_name = EXCLUDED.server_name,
           server_name_match = EXCLUDED.server_name_match, trusted_root = EXCLUDED.trusted_root,
           key_id = EXCLUDED.key_id, nonce = EXCLUDED.nonce, ciphertext = EXCLUDED.ciphertext;
    INSERT INTO amt_store.profile_network AS n (profile, wireless) VALUES (profile, 'managed')
        ON CONFLICT ON CONSTRAINT profile_network_pkey DO UPDATE SET wireless = 'managed';
    PERFORM amt_store.profile_changed(profile, 'wireless profile set', name);
END
$$;
COMMENT ON FUNCTION amt.profile_wireless_set IS 'Adds or changes a wireless profile; without a password the former one stays. The profile then manages wireless';

CREATE FUNCTION amt.profile_wireless_remove(profile text, name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.profile_must_exist(profile);
    DELETE FROM amt_store.profile_wireless w
     WHERE w.profile = profile_wireless_remove.profile AND w.name = profile_wireless_remove.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'profile % has no wireless profile %', profile, name
            USING ERRCODE = 'AM001', HINT = 'see amt.profile_wireless';
    END IF;
    PERFORM amt_store.profile_changed(profile, 'wireless profile removed', name);
END
$$;
COMMENT ON FUNCTION amt.profile_wireless_remove IS 'Removes a wireless profile of a profile; wireless stays managed';

CREATE FUNCTION amt.profile_wired_8021x_set(profile text, settings jsonb, trusted_root bytea DEFAULT NULL,
                                            password amt.sealed DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    what text := 'wired 802.1X of profile ' || profile;
    enabled boolean;
    former amt.sealed;
    kept amt.sealed;
BEGIN
    PERFORM amt_store.profile_must_exist(profile);
    PERFORM amt_store.network_keys_check(what, settings,
        ARRAY['enabled', 'active_in_s0', 'pxe_timeout_s', 'eap', 'username', 'domain', 'roaming_identity', 'server_name',
              'server_name_match']);
    enabled := amt_store.network_word(what, settings, 'enabled', ARRAY['true', 'false'], 'true')::boolean;
    SELECT w.key_id, w.nonce, w.ciphertext, NULL::bytea INTO former FROM amt_store.profile_wired_8021x w
     WHERE w.profile = profile_wired_8021x_set.profile AND w.ciphertext IS NOT NULL;
    IF enabled THEN
        kept := amt_store.network_eap_check(what, settings, trusted_root, password, former);
    ELSIF trusted_root IS NOT NULL OR (password).ciphertext IS NOT NULL
          OR settings ?| ARRAY['eap', 'username', 'domain', 'roaming_identity', 'server_name', 'server_name_match'] THEN
        RAISE EXCEPTION '%: it is to be off, so there is nothing else to be said', what
            USING ERRCODE = 'AM003', HINT = 'leave the EAP settings and the trusted root out';
    END IF;
    INSERT INTO amt_store.profile_wired_8021x
           (profile, enabled, active_in_s0, pxe_timeout_s, eap, username, domain, roaming_identity, server_name,
            server_name_match, trusted_root, key_id, nonce, ciphertext)
    VALUES (profile, enabled,
            amt_store.network_word(what, settings, 'active_in_s0', ARRAY['true', 'false'], 'true')::boolean,
            amt_store.network_number(what, settings, 'pxe_timeout_s', 0, 86400, 120), settings ->> 'eap',
            amt_store.network_text(what, settings, 'username', 128), amt_store.network_text(what, settings, 'domain', 128),
            amt_store.network_text(what, settings, 'roaming_identity', 128), nullif(settings ->> 'server_name', ''),
            settings ->> 'server_name_match', trusted_root, (kept).key_id, (kept).nonce, (kept).ciphertext)
        ON CONFLICT ON CONSTRAINT profile_wired_8021x_pkey DO UPDATE
       SET enabled = EXCLUDED.enabled, active_in_s0 = EXCLUDED.active_in_s0, pxe_timeout_s = EXCLUDED.pxe_timeout_s,
           eap = EXCLUDED.eap, username = EXCLUDED.username, domain = EXCLUDED.domain,
           roaming_identity = EXCLUDED.roaming_identity, server_name = EXCLUDED.server_name,
           server_name_match = EXCLUDED.server_name_match, trusted_root = EXCLUDED.trusted_root,
           key_id = EXCLUDED.key_id, nonce = EXCLUDED.nonce, ciphertext = EXCLUDED.ciphertext;
    PERFORM amt_store.profile_changed(profile, 'wired 802.1X of profile set', NULL);
END
$$;
COMMENT ON FUNCTION amt.profile_wired_8021x_set IS 'Sets wired 802.1X of a profile, or with {"enabled": false} switches it off; without a password the former one stays';

CREATE FUNCTION amt.profile_wired_8021x_remove(profile text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM amt_store.profile_must_exist(profile);
    DELETE FROM amt_store.profile_wired_8021x w WHERE w.profile = profile_wired_8021x_remove.profile;
    IF FOUND THEN
        PERFORM amt_store.profile_changed(profile, 'wired 802.1X of profile removed', NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION amt.profile_wired_8021x_remove IS 'From now on the profile leaves wired 802.1X of its computers as it is';

-- ---- who may do what -------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION amt.profile_network_set, amt.profile_wireless_set, amt.profile_wireless_remove,
    amt.profile_wired_8021x_set, amt.profile_wired_8021x_remove, amt.sealed_replace FROM PUBLIC;
REVOKE ALL ON FUNCTION amt_store.wireless_priority_check, amt_store.sealed_replace, amt_store.network_keys_check,
    amt_store.network_word, amt_store.network_number, amt_store.network_text, amt_store.network_secret_check,
    amt_store.network_eap_check, amt_store.profile_changed FROM PUBLIC, amt_operator, amt_secret_reader;
GRANT EXECUTE ON FUNCTION amt.profile_network_set, amt.profile_wireless_set, amt.profile_wireless_remove,
    amt.profile_wired_8021x_set, amt.profile_wired_8021x_remove TO amt_operator;
GRANT EXECUTE ON FUNCTION amt.sealed_replace TO amt_secret_reader;
GRANT SELECT ON amt.profile_network, amt.profile_wireless, amt.profile_wired_8021x
    TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON amt_store.profile_network, amt_store.profile_wireless, amt_store.profile_wired_8021x
    TO amt_site_server;
