-- Asks for a job of kind $2 for computer $1.
SELECT amt.request_job($1::uuid, $2::text) AS id
