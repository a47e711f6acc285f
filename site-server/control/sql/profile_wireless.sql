-- Wireless profiles of profile $1.
SELECT name, ssid, priority::text, authentication, encryption, eap, username, domain, roaming_identity, server_name,
       server_name_match, password_set::text, trusted_root, encode(sha256(trusted_root), 'hex') AS trusted_root_sha256
  FROM amt.profile_wireless WHERE profile = $1::text ORDER BY priority
