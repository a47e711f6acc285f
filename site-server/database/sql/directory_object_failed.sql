-- directory_object_failed: what was to be done with the object of computer $1 failed for reason $2, $3.
UPDATE amt_store.directory_object
   SET reason_code = $2::text, reason = $3::text, tried_at = now(), failures = failures + 1
 WHERE uuid = $1::uuid
