-- computer_users_store: computer $1 took the passwords of users $2, of versions $3. One that was replaced meanwhile is none
-- that anybody asks for.
INSERT INTO amt_store.computer_user AS u (uuid, name, password_version)
SELECT DISTINCT $1::uuid, p.name, p.password_version
  FROM unnest($2::text[], $3::bigint[]) AS g (name, version)
  JOIN amt_store.computer c ON c.uuid = $1::uuid
  JOIN amt_store.profile_user p ON p.profile = c.profile AND p.name = g.name AND p.password_version = g.version
    ON CONFLICT (uuid, name) DO UPDATE SET password_version = EXCLUDED.password_version, written_at = now()
