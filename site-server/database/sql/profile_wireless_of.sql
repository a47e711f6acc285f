-- profile_wireless_of: wireless profiles of profiles $1.
SELECT profile, name, ssid, priority, authentication, encryption, eap, username, domain, roaming_identity, server_name,
       server_name_match, trusted_root, key_id, nonce, ciphertext, password_version
  FROM amt_store.profile_wireless WHERE profile = ANY ($1::text[]) ORDER BY profile, priority
