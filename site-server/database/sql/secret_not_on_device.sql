-- secret_not_on_device: password $2 was offered for computer $1, and the firmware does not have it.
UPDATE amt_store.secret SET maybe_on_device = false
 WHERE id = $2::bigint AND uuid = $1::uuid AND state = 'pending' AND maybe_on_device
