-- otp_of_jobs: of those of jobs $1 that provision computers managed in band, what the firmware's one-time password must hash to.
SELECT j.id AS job, o.id IS NULL AS missing, o.salt, o.hash, a.dns_suffix
  FROM amt_store.job j
  JOIN amt_store.computer c USING (uuid)
  LEFT JOIN amt_store.agent a USING (uuid)
  LEFT JOIN amt_store.one_time_password o ON o.job = j.id AND o.state = 'activated' AND o.expires_at > now()
 WHERE j.id = ANY ($1::bigint[]) AND j.kind = 'provision' AND c.managed_in_band
