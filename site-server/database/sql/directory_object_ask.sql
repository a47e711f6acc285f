-- directory_object_ask: computer $1, called $2, is to have an object in the directory.
INSERT INTO amt_store.directory_object AS o (uuid, fqdn) VALUES ($1::uuid, $2::text)
    ON CONFLICT (uuid) DO UPDATE SET wanted = true, fqdn = EXCLUDED.fqdn, asked_at = now(), failures = 0
