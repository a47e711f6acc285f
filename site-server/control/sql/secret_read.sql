-- The secrets announced as $1, first the one that most likely opens the device.
SELECT r.state, r.associated_data, r.key_id, r.nonce, r.ciphertext
  FROM amt.secret_read($1::bigint) AS r LEFT JOIN amt.secret_status AS s ON s.id = r.id
 ORDER BY CASE WHEN r.state = 'active' THEN 1
               WHEN r.state = 'pending' AND s.maybe_on_device THEN 2
               WHEN r.state = 'imported' THEN 3
               WHEN r.state = 'superseded' THEN 4
               ELSE 5 END, r.id DESC
