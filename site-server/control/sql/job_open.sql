-- The jobs that are open now.
SELECT id FROM amt.job WHERE state IN ('waiting', 'leased') ORDER BY amt.job.id
