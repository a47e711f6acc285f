-- 0020_remove_computer.sql: a computer that was scrapped or sold can be forgotten, once an operator says that its passwords may go.

DROP FUNCTION amt.remove_computer(uuid);
CREATE FUNCTION amt.remove_computer(uuid uuid, forget_passwords boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_computer amt_store.computer := amt_store.computer_must_exist(uuid);
    at_work bigint;
    kept bigint;
BEGIN
    -- Whoever hands out a job just now holds it: wait, and look at what he left. Once the computer is locked no job comes any more.
    PERFORM FROM amt_store.job j WHERE j.uuid = remove_computer.uuid AND j.state IN ('waiting', 'leased') FOR UPDATE;
    PERFORM FROM amt_store.computer c WHERE c.uuid = remove_computer.uuid FOR UPDATE;
    SELECT j.id INTO at_work FROM amt_store.job j
     WHERE j.uuid = remove_computer.uuid AND j.state = 'leased' FOR UPDATE;
    IF FOUND THEN
        RAISE EXCEPTION 'job % is at work on computer %', at_work, uuid
            USING ERRCODE = 'AM002', HINT = 'wait for it, or cancel it: amt.cancel_job(' || at_work || ')';
    END IF;
    SELECT count(*) INTO kept FROM amt_store.secret s
     WHERE s.uuid = remove_computer.uuid AND s.kind <> 'directory' AND s.maybe_on_device
       AND (s.mark IS NULL OR s.activated_at IS NOT NULL); -- not merely imported
    IF NOT forget_passwords AND (kept > 0 OR found_computer.provisioned_at IS NOT NULL) THEN
        RAISE EXCEPTION 'computer % may carry % of this site', uuid,
                        CASE WHEN kept = 1 THEN 'a password' WHEN kept > 1 THEN kept || ' passwords' ELSE 'the provisioning' END
            USING ERRCODE = 'AM002',
                  HINT = 'unprovision it if it is to be used again, note its MEBx password (amtctl secret show), which unprovisioning leaves in it, and then say that its passwords may be forgotten: amtctl computer remove --forget-passwords, or forget_passwords => true; amt.block() only keeps it from being provisioned';
    END IF;
    DELETE FROM amt_store.certificate t WHERE t.uuid = remove_computer.uuid;
    DELETE FROM amt_store.job_step s USING amt_store.job j WHERE j.uuid = remove_computer.uuid AND s.job = j.id;
    DELETE FROM amt_store.job j WHERE j.uuid = remove_computer.uuid;
    DELETE FROM amt_store.secret s WHERE s.uuid = remove_computer.uuid;
    DELETE FROM amt_store.computer c WHERE c.uuid = remove_computer.uuid;
    PERFORM amt_store.audit_write(
        CASE WHEN kept > 0 THEN 'computer removed, passwords forgotten' ELSE 'computer removed' END, uuid, found_computer.fqdn);
END
$$;
COMMENT ON FUNCTION amt.remove_computer IS 'Forgets a computer: revokes its certificates, has its object removed from the directory. One that may carry passwords of this site only with forget_passwords, for they are gone then';
REVOKE ALL ON FUNCTION amt.remove_computer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION amt.remove_computer TO amt_operator;
