-- Wired 802.1X of profile $1.
SELECT enabled::text, active_in_s0::text, pxe_timeout_s::text, eap, username, domain, roaming_identity, server_name,
       server_name_match, password_set::text, trusted_root, encode(sha256(trusted_root), 'hex') AS trusted_root_sha256
  FROM amt.profile_wired_8021x WHERE profile = $1::text
