-- site_server_heard: this site server, on host $1, with endpoint $2 and version $3, is alive for $4 seconds more.
INSERT INTO amt_store.site_server AS s (id, host, endpoint, software_version, heard_until)
VALUES (amt_store.this_site_server(), $1::text, $2::text, $3::text, now() + $4::bigint * interval '1 second')
    ON CONFLICT (id) DO UPDATE SET heard_until = EXCLUDED.heard_until
