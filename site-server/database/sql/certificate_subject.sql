-- certificate_subject: name and firmware of the computer of job $1, when its attempt $2 is under way at service point $3.
SELECT c.fqdn, c.firmware_version
  FROM amt_store.job j JOIN amt_store.computer c USING (uuid)
 WHERE j.id = $1::bigint AND j.attempt = $2::bigint AND j.service_point = $3::bigint AND j.state = 'leased'
