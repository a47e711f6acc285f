-- directory_secret_activate: the directory has password $2 of computer $1. It opens no device, so that maybe_on_device stays.
UPDATE amt_store.secret SET state = 'active', activated_at = now()
 WHERE id = $2::bigint AND uuid = $1::uuid AND kind = 'directory' AND state = 'pending'
