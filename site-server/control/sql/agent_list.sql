-- Client agents that contain $1 in UUID, name or address, at most $2 (NULL: all).
SELECT fqdn, (public_key IS NOT NULL)::text AS bound, date_trunc('second', last_seen)::text AS last_seen, agent_version,
       wired_address, setup_state, check_reason_code, check_text, uuid::text, public_key, token, address, dns_suffix,
       control_mode
  FROM amt.agent
 WHERE $1::text IS NULL OR strpos(lower(concat_ws(' ', uuid, fqdn, wired_address)), lower($1::text)) > 0
 ORDER BY fqdn
 LIMIT $2::text::bigint
