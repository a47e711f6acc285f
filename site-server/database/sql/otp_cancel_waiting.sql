-- otp_cancel_waiting: a job of computer $1 that waits ends, whatever its kind, because $2.
SELECT amt_store.cancel_open_job(j.id, $2::text) FROM amt_store.job j WHERE j.uuid = $1::uuid AND j.state = 'waiting'
