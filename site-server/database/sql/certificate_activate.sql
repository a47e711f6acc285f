-- certificate_activate: the firmware of computer $1 uses certificate $3 (DER), or if that is NULL the one issued last in
-- job $2; the one it used before is superseded, and so are those
-- that were issued meanwhile and never used.
WITH used AS (
    SELECT t.id FROM amt_store.certificate t
     WHERE t.uuid = $1::uuid AND t.state <> 'revoked' AND t.usage = 'server'
       AND CASE WHEN $3::bytea IS NULL THEN t.job = $2::bigint
                ELSE t.fingerprint = encode(sha256($3::bytea), 'hex') END
     ORDER BY t.id DESC LIMIT 1
)
UPDATE amt_store.certificate t
   SET state = CASE WHEN t.id = u.id THEN 'active' ELSE 'superseded' END,
       activated_at = CASE WHEN t.id = u.id THEN coalesce(t.activated_at, now()) ELSE t.activated_at END
  FROM used u
 WHERE t.uuid = $1::uuid AND (t.id = u.id OR t.state = 'active' OR t.state = 'pending' AND t.id < u.id)
   AND t.usage = 'server'
