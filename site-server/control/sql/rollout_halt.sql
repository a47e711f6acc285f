-- Halts the rollout of profile $1, because of $2 (may be NULL).
SELECT amt.rollout_halt($1::text, $2::text)::text
