-- Leaves computer $1 to its client agent.
SELECT amt.set_in_band($1::uuid, true)::text
