-- directory_subject: the computer of job $1, when its attempt $2 is under way at service point $3, and its object in the
-- directory as it is known. The firmware has the password's key when a job that wrote or saw it ended after the
-- password became active; the version alone tells little, for an object that is made anew counts from 1 again.
SELECT c.uuid, c.fqdn, c.firmware_version, j.kind, o.guid, o.account_name, o.key_version, o.password,
       coalesce(o.rotated_by = j.id, false) AS rotated,
       EXISTS (SELECT FROM amt_store.secret s
                 JOIN amt_store.job d ON d.uuid = s.uuid AND d.state = 'done' AND d.finished_at > s.activated_at
                 JOIN amt_store.job_step k ON k.job = d.id AND k.name = 'Kerberos' AND k.outcome IN ('done', 'unchanged')
                WHERE s.id = o.password) AS key_in_firmware
  FROM amt_store.job j
  JOIN amt_store.computer c USING (uuid)
  LEFT JOIN amt_store.directory_object o USING (uuid)
 WHERE j.id = $1::bigint AND j.attempt = $2::bigint AND j.service_point = $3::bigint AND j.state = 'leased'
