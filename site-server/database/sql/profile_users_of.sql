-- profile_users_of: accounts of profiles $1.
SELECT profile, name, sid, access, realms::text[] AS realms, key_id, nonce, ciphertext,
       coalesce(password_version, 0) AS password_version
  FROM amt_store.profile_user WHERE profile = ANY ($1::text[]) ORDER BY profile, name
