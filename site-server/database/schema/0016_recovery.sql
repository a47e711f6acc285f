-- 0016_recovery.sql: what `amtctl secret recover` does to a database that was restored to an earlier moment.

-- Everything that a service point or a firmware may still name was numbered after that moment: a number must not come to
-- mean a second thing. What was open then may have been done since, and to do it again can harm (to unprovision a computer
-- that was provisioned again): whoever still wants it, asks for it again. Revocation lists go on above all numbers that
-- were published (RFC 5280 5.2.3), and are made again at once.
CREATE FUNCTION amt.recovery_begin() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    leap CONSTANT bigint := 1000000; -- more than were ever made since a backup
    running text;
    numbered text;
    cancelled bigint;
BEGIN
    SELECT string_agg(s.host || ' (' || s.endpoint || ')', ', ') INTO running
      FROM amt_store.site_server s WHERE s.heard_until > now();
    IF running IS NOT NULL THEN
        RAISE EXCEPTION 'a site server works with this database, or did a moment ago: %', running
            USING ERRCODE = 'AM002', HINT = 'stop all of them, wait for three of their heartbeats, and call it again';
    END IF;
    PERFORM amt_store.audit_write('recovery begun', NULL, NULL);
    FOREACH numbered IN ARRAY ARRAY['job', 'secret', 'certificate'] LOOP
        PERFORM setval(pg_get_serial_sequence('amt_store.' || numbered, 'id'),
                       nextval(pg_get_serial_sequence('amt_store.' || numbered, 'id')) + leap);
    END LOOP;
    SELECT count(*) INTO cancelled
      FROM (SELECT amt_store.cancel_open_job(j.id, 'the database was restored to an earlier moment by ' || session_user
                                             || '; the job may have been done since, ask for it again')
              FROM amt_store.job j WHERE j.state IN ('waiting', 'leased') OFFSET 0) AS all_of_them;
    UPDATE amt_store.revocation_list SET number = number + leap, next_update = now();
    RETURN cancelled;
END
$$;
COMMENT ON FUNCTION amt.recovery_begin IS 'First step after a restore: cancels the jobs that are open, returns how many, and numbers anew what follows';

CREATE FUNCTION amt.recovery_secrets(computers uuid[])
RETURNS TABLE (uuid uuid, id bigint, kind text, state text, created_at timestamptz, activated_at timestamptz,
               key_id text, nonce bytea, ciphertext bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM amt_store.audit_write('secrets read for recovery', NULL, cardinality(computers) || ' computers');
    RETURN QUERY
    SELECT c.uuid, s.id, s.kind, s.state, s.created_at, s.activated_at, s.key_id, s.nonce, s.ciphertext
      FROM amt_store.computer c LEFT JOIN amt_store.secret s ON s.uuid = c.uuid AND s.state <> 'imported'
     WHERE c.uuid = ANY (computers)
     ORDER BY c.uuid, s.id;
END
$$;
COMMENT ON FUNCTION amt.recovery_secrets IS 'Those of the computers that are known, with their encrypted passwords; without any: one row of NULLs';

CREATE FUNCTION amt.recover_secret(uuid uuid, kind text, created_at timestamptz, value amt.sealed) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    added bigint;
BEGIN
    PERFORM amt_store.computer_must_exist(uuid);
    PERFORM amt_store.sealed_must_be_whole(value, false);
    INSERT INTO amt_store.secret (uuid, kind, state, maybe_on_device, key_id, nonce, ciphertext, created_at)
    VALUES (uuid, kind, 'superseded', true, (value).key_id, (value).nonce, (value).ciphertext, created_at)
    RETURNING id INTO added;
    PERFORM amt_store.audit_write('secret recovered', uuid, kind);
    RETURN added;
END
$$;
COMMENT ON FUNCTION amt.recover_secret IS 'Stores a password of an escrow journal; returns its number';

CREATE FUNCTION amt.recover_states(uuid uuid, kind text, active bigint, active_since timestamptz, pending bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    UPDATE amt_store.secret s SET state = 'superseded'
     WHERE s.uuid = recover_states.uuid AND s.kind = recover_states.kind AND s.state IN ('active', 'pending')
       AND s.id IS DISTINCT FROM active AND s.id IS DISTINCT FROM pending
       AND (s.state = 'pending' OR active IS NOT NULL);
    UPDATE amt_store.secret s SET state = 'active', activated_at = active_since, maybe_on_device = true
     WHERE s.id = active AND s.uuid = recover_states.uuid AND s.state <> 'imported';
    UPDATE amt_store.secret s SET state = 'pending'
     WHERE s.id = pending AND s.uuid = recover_states.uuid AND s.state = 'superseded';
END
$$;
COMMENT ON FUNCTION amt.recover_states IS 'Which of the passwords of a computer is active, and which one may come after it; NULL: the active one stays, nothing is pending';

CREATE FUNCTION amt.recover_address(uuid uuid, address inet) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE amt_store.computer c SET address = recover_address.address
     WHERE c.uuid = recover_address.uuid AND c.address IS NULL;
$$;
COMMENT ON FUNCTION amt.recover_address IS 'Where a computer was met, by an escrow journal; one whose address is known keeps it';

CREATE FUNCTION amt.recover_certificate(uuid uuid, job bigint, attempt integer, authority text, serial text, fqdn text,
                                        key_fingerprint bytea, fingerprint text, certificate bytea, not_before timestamptz,
                                        not_after timestamptz, renew_at timestamptz, usage text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    INSERT INTO amt_store.certificate
           (uuid, job, attempt, authority, serial, fqdn, key_fingerprint, fingerprint, certificate, state, not_before,
            not_after, renew_at, usage)
    SELECT c.uuid, job, attempt, a.fingerprint, serial, fqdn, key_fingerprint, fingerprint, certificate, 'pending',
           not_before, not_after, renew_at, usage
      FROM amt_store.computer c CROSS JOIN amt_store.authority a
     WHERE c.uuid = recover_certificate.uuid AND a.fingerprint = recover_certificate.authority
        ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION amt.recover_certificate IS 'Stores a certificate of an escrow journal; false: it is there already, or its authority is not';

REVOKE ALL ON FUNCTION amt.recovery_begin, amt.recovery_secrets, amt.recover_secret, amt.recover_states, amt.recover_address, amt.recover_certificate
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION amt.recovery_begin, amt.recovery_secrets, amt.recover_secret, amt.recover_states, amt.recover_address, amt.recover_certificate
    TO amt_administrator;
