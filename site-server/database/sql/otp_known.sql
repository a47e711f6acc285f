-- otp_known: whether computer $1 registered hash $3 with salt $2 before, and whether it is still to be used.
SELECT o.state = 'registered' AND o.expires_at > now() AS open,
       greatest(1, extract(epoch FROM o.expires_at - now()))::bigint AS expires_s
  FROM amt_store.one_time_password o
 WHERE o.uuid = $1::uuid AND o.salt = $2::bytea AND o.hash = $3::bytea
 ORDER BY o.id DESC
 LIMIT 1
