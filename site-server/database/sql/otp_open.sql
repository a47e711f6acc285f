-- otp_open: the one-time password of computer $1 that is still to be used, and whether there is a job for it.
SELECT o.state = 'activated' AS activated,
       EXISTS (SELECT FROM amt_store.job j WHERE j.uuid = o.uuid AND j.state = 'leased') AS job_leased
  FROM amt_store.one_time_password o
 WHERE o.uuid = $1::uuid AND (o.state = 'activated' OR (o.state = 'registered' AND o.expires_at > now()))
   FOR NO KEY UPDATE
