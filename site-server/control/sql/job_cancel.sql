-- Cancels job $1.
SELECT amt.cancel_job($1::bigint)::text
