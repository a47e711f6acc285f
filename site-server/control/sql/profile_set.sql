-- Makes profile $1, or changes its settings, to $2.
SELECT amt.profile_set($1::text, $2::text::jsonb)::text
