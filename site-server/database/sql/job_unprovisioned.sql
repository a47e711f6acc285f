-- job_unprovisioned: computer $1 was unprovisioned. Its certificates are revoked (RFC 5280 5.3.1: 5, cessation of
-- operation). Its admin passwords give way; they stay, like all, and may still open it after a partial unprovisioning. The
-- MEBx password is none of what unprovisioning removes. Its object in the directory is to be removed.
WITH object AS (
    UPDATE amt_store.directory_object SET wanted = false, failures = 0, tried_at = NULL WHERE uuid = $1::uuid
), certificates AS (
    UPDATE amt_store.certificate SET state = 'revoked', revoked_at = now(), revocation_reason = 5
     WHERE uuid = $1::uuid AND state IN ('pending', 'active')
), passwords AS (
    UPDATE amt_store.secret SET state = 'superseded'
     WHERE uuid = $1::uuid AND kind = 'admin' AND state IN ('pending', 'active')
), networks AS (
    DELETE FROM amt_store.computer_network WHERE uuid = $1::uuid
), users AS (
    DELETE FROM amt_store.computer_user WHERE uuid = $1::uuid
)
UPDATE amt_store.unprovisioned SET unprovisioned_at = now() WHERE uuid = $1::uuid
