-- jobs_announce: tells the other site servers, if there are any, that there are jobs which their service points may take.
SELECT pg_notify('amt_job', '')::text
 WHERE EXISTS (SELECT FROM amt_store.site_server s
                WHERE s.id IS DISTINCT FROM amt_store.this_site_server() AND s.heard_until > now())
