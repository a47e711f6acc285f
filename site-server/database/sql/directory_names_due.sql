-- directory_names_due: at most $1 names of users and groups to be looked up: new ones, those that failed a minute ago, and the
-- others once in $2 seconds.
SELECT n.name
  FROM amt_store.directory_name n
 WHERE EXISTS (SELECT FROM amt_store.profile_user u WHERE u.name = n.name AND u.sid IS NULL)
   AND (n.looked_up_at IS NULL
        OR n.looked_up_at < now() - CASE WHEN n.reason_code IS NULL THEN $2::bigint ELSE 60 END * interval '1 second')
 ORDER BY n.looked_up_at NULLS FIRST
 LIMIT $1::bigint
