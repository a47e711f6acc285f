-- profile_wired_of: wired 802.1X of profiles $1.
SELECT profile, enabled, active_in_s0, pxe_timeout_s, eap, username, domain, roaming_identity, server_name,
       server_name_match, trusted_root, key_id, nonce, ciphertext, password_version
  FROM amt_store.profile_wired_8021x WHERE profile = ANY ($1::text[])
