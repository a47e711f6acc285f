-- certificate_former: what the computer of job $1 uses for name $2 and usage $3, when it is of authority $4.
SELECT t.certificate
  FROM amt_store.job j JOIN amt_store.certificate t USING (uuid)
 WHERE j.id = $1::bigint AND t.fqdn = $2::text AND t.usage = $3::text AND t.authority = $4::text AND t.state = 'active'
   AND t.not_after > now()
