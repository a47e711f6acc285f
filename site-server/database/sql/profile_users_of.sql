-- profile_users_of: accounts of profiles $1. One that is called DOMAIN\name has the SID that was looked up for it; NULL: none
-- was found yet, and why.
SELECT u.profile, u.name, coalesce(u.sid, n.sid) AS sid, u.access, u.realms::text[] AS realms, u.key_id, u.nonce, u.ciphertext,
       coalesce(u.password_version, 0) AS password_version, u.sid IS NULL AND u.ciphertext IS NULL AS by_name, CASE WHEN n.looked_up_at IS NOT NULL THEN n.reason_code END AS reason_code
  FROM amt_store.profile_user u
  LEFT JOIN amt_store.directory_name n ON n.name = u.name
 WHERE u.profile = ANY ($1::text[]) ORDER BY u.profile, u.name
