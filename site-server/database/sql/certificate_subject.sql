-- certificate_subject: name and firmware of the computer of job $1, when its attempt $2 is under way at service point $3,
-- and how many certificates the attempt got.
SELECT c.fqdn, c.firmware_version,
       (SELECT count(*) FROM amt_store.certificate t
         WHERE t.job = j.id AND t.attempt = j.attempt AND t.state <> 'revoked') AS issued
  FROM amt_store.job j JOIN amt_store.computer c USING (uuid)
 WHERE j.id = $1::bigint AND j.attempt = $2::bigint AND j.service_point = $3::bigint AND j.state = 'leased'
