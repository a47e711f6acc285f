-- otp_computer: computer $1 passed its agent's checks and is to be reached at $2 (NULL: as it was), which has a prefix of $3
-- bits (0: not told).
WITH agent AS (
    UPDATE amt_store.agent
       SET check_reason_code = NULL, check_text = NULL, check_status = NULL, checked_at = NULL,
           wired_address = coalesce($2::text::inet, wired_address),
           wired_prefix_bits = CASE WHEN $2::text IS NULL THEN wired_prefix_bits ELSE nullif($3::bigint, 0) END
     WHERE uuid = $1::uuid
)
UPDATE amt_store.computer c
   SET address = coalesce($2::text::inet, c.address), amt_status = 2, reason_code = NULL, reason = NULL
 WHERE c.uuid = $1::uuid
