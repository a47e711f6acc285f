-- What the agent of computer $1 is told: provision $2 and enable AMT $3, on, off or NULL for what the profile says.
SELECT amt.set_in_band_policy($1::uuid, $2::text::boolean, $3::text::boolean)::text
