-- 0011_granted_subnets.sql: which subnets a service point may serve is for who admits it to say.

ALTER TABLE amt_store.service_point ADD COLUMN granted cidr[]; -- NULL: any

CREATE OR REPLACE VIEW amt.service_point AS
    SELECT p.key AS public_key, coalesce(p.name, p.said_name, left(p.key, 8)) AS name, host(p.address) AS address, p.state,
           p.state = 'approved' AND coalesce(p.connected_until > now(), false) AS connected,
           p.software_version, p.slots, p.free, p.running, p.subnets, p.root_hashes, p.certificates,
           p.counters, p.first_seen, p.registered_at, p.last_seen, p.approved_at, p.approved_by, p.granted AS granted_subnets
      FROM amt_store.service_point p;
COMMENT ON COLUMN amt.service_point.granted_subnets IS 'Subnets that it may serve: it gets no jobs and is heard with no Hellos from elsewhere; NULL: any';

DROP FUNCTION amt.service_point_approve(text, text);
CREATE FUNCTION amt.service_point_approve(key_or_name text, name text DEFAULT NULL, subnets text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_key text;
    granted cidr[];
BEGIN
    found_key := amt_store.service_point_find(key_or_name);
    IF found_key IS NULL THEN
        IF key_or_name !~ '^[0-9a-zA-Z.:+=^!/*?&<>()\[\]{}@%$#-]{40}$' THEN
            RAISE EXCEPTION 'no service point is called %, and it is no public key', key_or_name
                USING ERRCODE = 'AM001', HINT = 'give the 40 characters that amt-service-point --create-key printed; see amt.service_point';
        END IF;
        found_key := key_or_name;
    END IF;
    IF subnets <> 'any' THEN
        BEGIN
            SELECT array_agg(network(trim(s)::inet)::cidr) INTO granted FROM unnest(string_to_array(subnets, ',')) AS s;
        EXCEPTION WHEN invalid_text_representation THEN
            RAISE EXCEPTION 'subnets: %', SQLERRM
                USING ERRCODE = 'AM003', HINT = 'give them as 10.1.2.0/24,10.1.3.0/24, or the word any';
        END;
    END IF;
    INSERT INTO amt_store.service_point AS p (key, name, state, approved_at, approved_by, granted)
    VALUES (found_key, name, 'approved', now(), session_user, granted)
        ON CONFLICT (key) DO UPDATE
       SET name = coalesce(EXCLUDED.name, p.name), state = 'approved', approved_at = now(), approved_by = session_user,
           granted = CASE WHEN service_point_approve.subnets IS NULL THEN p.granted ELSE EXCLUDED.granted END;
    PERFORM amt_store.audit_write('service point approved', NULL, concat_ws(' ', found_key, name, 'subnets ' || subnets));
    PERFORM pg_notify('amt_service_point', found_key);
    RETURN found_key;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'another service point is called % already', name
        USING ERRCODE = 'AM002', HINT = 'give it another name';
END
$$;
COMMENT ON FUNCTION amt.service_point_approve IS 'Admits a service point by its public key, at once, also one that has not knocked yet; subnets: the only ones that it may serve, separated by commas, or any; NULL: as before. Changed subnets count from its next registration on. Returns the key';
REVOKE ALL ON FUNCTION amt.service_point_approve FROM PUBLIC;
GRANT EXECUTE ON FUNCTION amt.service_point_approve TO amt_administrator;
