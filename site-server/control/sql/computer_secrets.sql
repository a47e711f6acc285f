-- Which passwords the site holds for a computer, without their content.
SELECT id::text, kind, state, maybe_on_device::text, key_id, date_trunc('second', created_at)::text AS created_at,
       date_trunc('second', activated_at)::text AS activated_at
  FROM amt.secret_status
 WHERE uuid = $1::uuid
 ORDER BY kind, id DESC
