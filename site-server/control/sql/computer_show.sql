-- One computer, as computer_list.sql shows it and with its last Hello and its agent.
SELECT c.uuid::text, c.short_name, c.fqdn, c.mac::text, c.address, c.amt_status::text, c.amt_status_name,
       c.reason_code, c.reason, c.firmware_version, date_trunc('second', c.provisioned_at)::text AS provisioned_at,
       c.profile, c.blocked::text, c.blocked_why, c.managed_in_band::text, c.auto_reprovision::text,
       date_trunc('second', c.imported_at)::text AS imported_at,
       date_trunc('second', c.certificate_not_after)::text AS certificate_not_after,
       date_trunc('second', c.last_hello_at)::text AS last_hello_at, h.service_point AS hello_service_point,
       h.count::text AS hello_count, h.verdict AS hello_verdict, h.reason AS hello_reason,
       array_to_string(h.root_hashes, ' ') AS hello_root_hashes, i.proven_by,
       date_trunc('second', a.last_seen)::text AS agent_last_seen, a.agent_version, a.public_key AS agent_public_key,
       a.setup_state AS agent_setup_state, a.check_text AS agent_check_text
  FROM amt.computer c
  JOIN amt.computer_identity i USING (uuid)
  LEFT JOIN amt.hello h USING (uuid)
  LEFT JOIN amt.agent a USING (uuid)
 WHERE c.uuid = $1::uuid
