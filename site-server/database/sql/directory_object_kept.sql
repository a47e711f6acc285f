-- directory_object_kept: the object of computer $1 is as it should be: GUID $2, DN $3, account $4 in domain $5, principals
-- $6, key version $7 of password $8, changed $9; by job $10, which set a new password if $11.
UPDATE amt_store.directory_object
   SET guid = $2::bytea, dn = $3::text, account_name = $4::text, domain = $5::text, principals = $6::text[],
       key_version = $7::bigint, password = $8::bigint, changes = $9::text,
       rotated_by = CASE WHEN $11::boolean THEN $10::bigint ELSE rotated_by END,
       kept_at = now(), tried_at = now(), reason_code = NULL, reason = NULL, failures = 0
 WHERE uuid = $1::uuid
