-- directory_name_found: name $1 has SID $2; NULL: it was not found for reason $3, $4. One that the directory did not tell (it is
-- away) keeps the SID of earlier; one that it does not have any more loses it.
UPDATE amt_store.directory_name
   SET sid = CASE WHEN $2::bytea IS NOT NULL THEN $2::bytea WHEN $3::text = 'directory-name-unknown' THEN NULL ELSE sid END,
       looked_up_at = now(), reason_code = $3::text, reason = $4::text
 WHERE name = $1::text
