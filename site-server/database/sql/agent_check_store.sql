-- agent_check_store: the agent of computer $1 could not begin: reason $2, in words $3, as a sentence $4, firmware's status $5
-- (0: no call failed). The computer has status $6 then (negative: as it is), unless this site holds it or does not
-- manage it in band.
WITH kept AS (
    UPDATE amt_store.agent
       SET check_reason_code = $2::text, check_text = $3::text, check_status = nullif($5::bigint, 0), checked_at = now()
     WHERE uuid = $1::uuid
)
UPDATE amt_store.computer c
   SET amt_status = CASE WHEN $6::bigint < 0 THEN c.amt_status ELSE $6::bigint END, reason_code = $2::text, reason = $4::text
 WHERE c.uuid = $1::uuid AND c.managed_in_band AND c.amt_status IS DISTINCT FROM 3
