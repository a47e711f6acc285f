-- 0015_lanes.sql: jobs that wait stand in lanes, one for each profile and subnet, from which they are taken in turn: a
-- subnet with thousands of them does not hold up another with ten, and a profile whose wave is full is passed over at once.

ALTER TABLE amt_store.job
    ADD COLUMN profile text,   -- this and the address are the computer's, while the job is open
    ADD COLUMN address inet,
    ADD COLUMN subnet cidr,    -- of that address, /24 or /64
    ADD COLUMN writes boolean; -- whether it writes that profile: what waves count

CREATE FUNCTION amt_store.lane_subnet(address inet) RETURNS cidr
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT network(set_masklen(address, CASE family(address) WHEN 4 THEN 24 ELSE 64 END))
$$;

CREATE FUNCTION amt_store.enter_lane() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.writes := NEW.kind IN ('provision', 'update');
    SELECT c.profile, c.address, amt_store.lane_subnet(c.address) INTO NEW.profile, NEW.address, NEW.subnet
      FROM amt_store.computer c WHERE c.uuid = NEW.uuid;
    RETURN NEW;
END
$$;
CREATE TRIGGER lane_entered BEFORE INSERT ON amt_store.job FOR EACH ROW EXECUTE FUNCTION amt_store.enter_lane();

CREATE FUNCTION amt_store.change_lane() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE amt_store.job j SET profile = NEW.profile, address = NEW.address, subnet = amt_store.lane_subnet(NEW.address)
     WHERE j.uuid = NEW.uuid AND j.state IN ('waiting', 'leased');
    RETURN NULL;
END
$$;
CREATE TRIGGER lane_changed AFTER UPDATE OF address, profile ON amt_store.computer
    FOR EACH ROW WHEN (OLD.address IS DISTINCT FROM NEW.address OR OLD.profile IS DISTINCT FROM NEW.profile)
    EXECUTE FUNCTION amt_store.change_lane();

UPDATE amt_store.job j SET profile = c.profile, address = c.address, subnet = amt_store.lane_subnet(c.address), writes = j.kind IN ('provision', 'update')
  FROM amt_store.computer c WHERE c.uuid = j.uuid AND j.state IN ('waiting', 'leased');

CREATE INDEX job_lane ON amt_store.job (profile, writes, subnet, not_before, id) WHERE state = 'waiting' AND subnet IS NOT NULL;

REVOKE ALL ON FUNCTION amt_store.enter_lane, amt_store.change_lane, amt_store.lane_subnet FROM PUBLIC;
GRANT EXECUTE ON FUNCTION amt_store.lane_subnet TO amt_site_server;
