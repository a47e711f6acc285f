-- otp_forget: the former one-time password of computer $1 is replaced, and a job that waits with it ends, because $2.
SELECT amt_store.forget_setup($1::uuid, $2::text)
