-- consoles_revoked: serial numbers of revoked console certificates that have not ended, $1 at most, those revoked last first.
-- One of a service point's former process has lost its key with it, and is left out when others need the room.
SELECT decode(lpad(c.serial, length(c.serial) + length(c.serial) % 2, '0'), 'hex') AS serial
  FROM amt_store.console_certificate c
 WHERE c.revoked_at IS NOT NULL AND c.not_after > now()
 ORDER BY c.service_point IS NULL DESC, c.revoked_at DESC
 LIMIT $1::bigint
