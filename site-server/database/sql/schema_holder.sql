-- schema_holder: the oldest transaction that holds a lock on our tables, or on changing the schema.
SELECT a.pid, coalesce(a.usename, '')::text AS who, coalesce(nullif(a.application_name, ''), 'a program without a name') AS program,
       coalesce(host(a.client_addr), 'this host') AS host, coalesce(a.state, '') AS state,
       coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::bigint AS seconds
  FROM pg_stat_activity a
 WHERE a.pid <> pg_backend_pid() AND EXISTS
       (SELECT FROM pg_locks l LEFT JOIN pg_class c ON l.locktype = 'relation' AND c.oid = l.relation
         WHERE l.pid = a.pid AND l.granted AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
           AND (c.relnamespace IN (SELECT n.oid FROM pg_namespace n WHERE n.nspname IN ('amt', 'amt_store'))
                OR (l.locktype = 'advisory' AND l.objsubid = 1
                    AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('amt schema', 0))))
 ORDER BY a.xact_start NULLS LAST LIMIT 1
