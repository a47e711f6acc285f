-- secret_maybe_on_device: password $2 was sent to computer $1, and nobody knows whether it took it.
UPDATE amt_store.secret SET maybe_on_device = true
 WHERE id = $2::bigint AND uuid = $1::uuid AND NOT maybe_on_device
