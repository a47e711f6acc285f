-- Who we are, and whether we hold role $1 (also true for a superuser; false while the role does not exist). Every
-- role may read what amt_reader may.
SELECT current_user::text AS user_name,
       coalesce(bool_or(pg_has_role(current_user, r.oid, 'USAGE')), false)::text AS held
  FROM pg_roles AS r
 WHERE r.rolname = $1::text
    OR ($1 = 'amt_reader' AND r.rolname IN ('amt_operator', 'amt_secret_reader', 'amt_site_server'))
