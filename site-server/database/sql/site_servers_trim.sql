-- site_servers_trim: forgets site servers that were not heard of for a day.
DELETE FROM amt_store.site_server
 WHERE id IN (SELECT id FROM amt_store.site_server WHERE heard_until < now() - interval '1 day' FOR UPDATE SKIP LOCKED)
