-- directory_subject: the computer of job $1, when its attempt $2 is under way at service point $3, and its object in the
-- directory as it is known.
SELECT c.uuid, c.fqdn, c.firmware_version, j.kind, o.guid, o.account_name, o.key_version, o.password,
       coalesce(o.rotated_by = j.id, false) AS rotated
  FROM amt_store.job j
  JOIN amt_store.computer c USING (uuid)
  LEFT JOIN amt_store.directory_object o USING (uuid)
 WHERE j.id = $1::bigint AND j.attempt = $2::bigint AND j.service_point = $3::bigint AND j.state = 'leased'
