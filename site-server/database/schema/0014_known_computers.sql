-- 0014_known_computers.sql: site servers hear of it when computers come or go, and tell the service points, which put their
-- Hellos before those of strangers.

CREATE FUNCTION amt_store.tell_computers() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('amt_computer', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER computers_changed AFTER INSERT OR DELETE ON amt_store.computer
    FOR EACH STATEMENT EXECUTE FUNCTION amt_store.tell_computers();

REVOKE ALL ON FUNCTION amt_store.tell_computers FROM PUBLIC;
