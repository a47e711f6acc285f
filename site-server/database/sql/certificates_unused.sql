-- certificates_unused: those issued for computer $1 that its firmware does not use after a job that left nothing behind.
UPDATE amt_store.certificate SET state = 'superseded' WHERE uuid = $1::uuid AND state = 'pending'
