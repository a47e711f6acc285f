-- site_server_set: from now on this connection is that of site server $1.
SELECT set_config('amt.site_server', $1::text, false)
