-- otp_trim: forgets all but the newest $2 one-time passwords of computer $1.
DELETE FROM amt_store.one_time_password o
 WHERE o.uuid = $1::uuid AND o.state NOT IN ('registered', 'activated')
   AND o.id < (SELECT min(n.id) FROM (SELECT k.id FROM amt_store.one_time_password k WHERE k.uuid = $1::uuid
                                       ORDER BY k.id DESC LIMIT $2::bigint) AS n)
