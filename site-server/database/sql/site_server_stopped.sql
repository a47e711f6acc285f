-- site_server_stopped: this site server ends in order.
DELETE FROM amt_store.site_server WHERE id = amt_store.this_site_server()
