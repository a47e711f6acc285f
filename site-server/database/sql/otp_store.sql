-- otp_store: registers a one-time password of computer $1: salt $2, hash $3, good for $4 seconds.
INSERT INTO amt_store.one_time_password (uuid, salt, hash, expires_at)
VALUES ($1::uuid, $2::bytea, $3::bytea, now() + $4::bigint * interval '1 second')
