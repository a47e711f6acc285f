-- secret_activate: the firmware of computer $1 has password $2. An imported one stays what it is.
UPDATE amt_store.secret SET state = 'active', maybe_on_device = true, activated_at = now()
 WHERE id = $2::bigint AND uuid = $1::uuid AND state <> 'imported' AND NOT (state = 'active' AND maybe_on_device)
