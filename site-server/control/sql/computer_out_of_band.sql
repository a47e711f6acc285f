-- Leaves computer $1 to its Hellos.
SELECT amt.set_in_band($1::uuid, false)::text
