-- certificate_client_activate: the firmware of computer $1 uses client certificate $2 (DER) for 802.1X, or none if that
-- is empty; the one it used before is superseded.
UPDATE amt_store.certificate t
   SET state = CASE WHEN t.fingerprint = encode(sha256($2::bytea), 'hex') THEN 'active' ELSE 'superseded' END,
       activated_at = CASE WHEN t.fingerprint = encode(sha256($2::bytea), 'hex') THEN coalesce(t.activated_at, now())
                           ELSE t.activated_at END
 WHERE t.uuid = $1::uuid AND t.usage = 'client'
   AND (t.state = 'active' OR t.state <> 'revoked' AND t.fingerprint = encode(sha256($2::bytea), 'hex'))
