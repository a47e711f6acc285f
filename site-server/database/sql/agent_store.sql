-- agent_store: computer $1 has an agent with key $2, bound by token $3 (0: it was bound before), seen at address $4. A computer
-- that is not known becomes known as $5, $6 with MAC $7; one that has its UUID for a name gets these, unless another
-- has them ($17 false). Of the agent and the firmware: versions $8 and $9, wired address $10 with $11 bits of prefix,
-- DNS suffix $12, roots $13 (separated by blanks), setup state $14, control mode $15, switched off $16.
-- No row: after its facts were read, another key was bound to the computer, or this one was unbound.
WITH said AS (
    SELECT $1::uuid AS uuid, $10::text::inet AS wired, $9::text AS amt_version, $7::text::macaddr AS mac
), used AS (
    UPDATE amt_store.enrolment_token t SET uses = t.uses + 1, last_used_at = now() WHERE t.id = $3::bigint
), made AS (
    INSERT INTO amt_store.computer (uuid, short_name, fqdn, mac, address, firmware_version, managed_in_band)
    SELECT s.uuid, $5::text, lower($6::text), s.mac, s.wired, s.amt_version, true FROM said s
     WHERE NOT EXISTS (SELECT FROM amt_store.computer c WHERE c.uuid = s.uuid)
        ON CONFLICT ON CONSTRAINT computer_pkey DO NOTHING
), heard AS (
    DELETE FROM amt_store.unknown_hello u USING said s WHERE u.uuid = s.uuid
), learned AS (
    UPDATE amt_store.computer c
       SET short_name = CASE WHEN c.fqdn = c.uuid::text AND $17::boolean THEN $5::text ELSE c.short_name END,
           fqdn = CASE WHEN c.fqdn = c.uuid::text AND $17::boolean THEN lower($6::text) ELSE c.fqdn END,
           address = CASE WHEN c.managed_in_band THEN coalesce(s.wired, c.address) ELSE c.address END,
           -- A service point knows it to the last digit. Of a computer that it is not asked about, an agent tells nothing
           -- that a job would go by.
           firmware_version = CASE WHEN s.amt_version IS NULL OR NOT c.managed_in_band
                                     OR starts_with(c.firmware_version, s.amt_version)
                                   THEN c.firmware_version ELSE s.amt_version END
      FROM said s WHERE c.uuid = s.uuid
)
INSERT INTO amt_store.agent AS a (uuid, key, token, address, agent_version, wired_address, wired_prefix_bits, mac,
                                  dns_suffix, root_hashes, setup_state, control_mode, amt_disabled)
SELECT s.uuid, $2::text, nullif($3::bigint, 0), $4::text::inet, $8::text, s.wired, nullif($11::bigint, 0), s.mac, $12::text,
       string_to_array($13::text, ' '), $14::text, $15::text, $16::boolean
  FROM said s
    ON CONFLICT (uuid) DO UPDATE
   SET key = EXCLUDED.key, token = coalesce(EXCLUDED.token, a.token), last_seen = now(), address = EXCLUDED.address,
       bound_at = CASE WHEN a.key IS DISTINCT FROM EXCLUDED.key THEN now() ELSE a.bound_at END,
       agent_version = EXCLUDED.agent_version, wired_address = EXCLUDED.wired_address,
       wired_prefix_bits = EXCLUDED.wired_prefix_bits, mac = EXCLUDED.mac, dns_suffix = EXCLUDED.dns_suffix,
       root_hashes = EXCLUDED.root_hashes, setup_state = EXCLUDED.setup_state, control_mode = EXCLUDED.control_mode,
       amt_disabled = EXCLUDED.amt_disabled
 WHERE a.key = EXCLUDED.key OR (a.key IS NULL AND EXCLUDED.token IS NOT NULL)
RETURNING a.uuid
