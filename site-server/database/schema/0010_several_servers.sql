-- 0010_several_servers.sql: site servers beside each other on one database.

-- A site server sets amt.site_server for its connection: an identity that is new at each start.
CREATE FUNCTION amt_store.this_site_server() RETURNS uuid
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT nullif(current_setting('amt.site_server', true), '')::uuid
$$;

CREATE TABLE amt_store.site_server (
    id               uuid PRIMARY KEY,
    host             text NOT NULL,
    endpoint         text NOT NULL,
    software_version text NOT NULL,
    started_at       timestamptz NOT NULL DEFAULT now(),
    heard_until      timestamptz NOT NULL -- silent after that, it is taken for dead
);

-- Where a service point has its session.
ALTER TABLE amt_store.service_point
    ADD COLUMN site_server uuid,
    ADD COLUMN process bigint, -- of the service point, as it says; which of its sessions is the newest can be told within one
    ADD COLUMN session bigint;

CREATE VIEW amt.site_server AS
    SELECT s.id, s.host, s.endpoint, s.software_version, s.heard_until > now() AS alive, s.started_at, s.heard_until,
           (SELECT count(*) FROM amt_store.service_point p
             WHERE p.site_server = s.id AND p.state = 'approved' AND p.connected_until > now()) AS service_points
      FROM amt_store.site_server s;

CREATE VIEW amt.service_point_session AS
    SELECT p.key AS public_key, coalesce(p.name, p.said_name, left(p.key, 8)) AS name, s.id AS site_server, s.host, s.endpoint,
           p.registered_at, p.connected_until
      FROM amt_store.service_point p JOIN amt_store.site_server s ON s.id = p.site_server
     WHERE p.state = 'approved' AND p.connected_until > now();

-- The site server that it left hears of it and offers it nothing more.
CREATE FUNCTION amt_store.tell_moved() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('amt_service_point', NEW.key);
    RETURN NULL;
END
$$;
CREATE TRIGGER service_point_moved AFTER UPDATE OF site_server ON amt_store.service_point
    FOR EACH ROW WHEN (OLD.site_server IS DISTINCT FROM NEW.site_server)
    EXECUTE FUNCTION amt_store.tell_moved();

COMMENT ON VIEW amt.site_server IS 'Site servers that share this database, since their last start; dead ones leave after a day';
COMMENT ON COLUMN amt.site_server.alive IS 'It was heard within the last three heartbeats';
COMMENT ON COLUMN amt.site_server.service_points IS 'Service points that are connected to it';
COMMENT ON VIEW amt.service_point_session IS 'Which site server each connected service point has its session with';

REVOKE ALL ON FUNCTION amt_store.this_site_server, amt_store.tell_moved FROM PUBLIC;
GRANT EXECUTE ON FUNCTION amt_store.this_site_server TO amt_site_server;
GRANT SELECT ON amt.site_server, amt.service_point_session TO amt_reader, amt_operator, amt_secret_reader, amt_site_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON amt_store.site_server TO amt_site_server;
