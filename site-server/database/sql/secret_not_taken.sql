-- secret_not_taken: a job of computer $1 is done and its firmware does not have password $2, which was offered.
UPDATE amt_store.secret SET state = 'superseded'
 WHERE id = $2::bigint AND uuid = $1::uuid AND state = 'pending' AND NOT maybe_on_device
