-- Who may see what: logins that read the tables past the views, or passwords; superusers may everything and are left out.
SELECT r.rolname::text AS login,
       EXISTS (SELECT FROM pg_class c
                WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'v') AND has_table_privilege(r.oid, c.oid, 'SELECT'))
       AND has_schema_privilege(r.oid, n.oid, 'USAGE') AS reads_tables,
       pg_has_role(r.oid, 'amt_site_server', 'MEMBER') AS is_server,
       pg_has_role(r.oid, 'amt_secret_reader', 'MEMBER') AS reads_secrets,
       pg_has_role(r.oid, 'amt_administrator', 'MEMBER') AS administers
  FROM pg_roles r CROSS JOIN pg_namespace n
 WHERE n.nspname = 'amt_store' AND r.rolcanlogin AND NOT r.rolsuper AND r.oid <> n.nspowner
 ORDER BY r.rolname
