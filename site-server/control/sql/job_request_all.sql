-- Asks for jobs of kind $1 for every computer, or those with profile $2 and status $3 (NULL: any).
SELECT requested, with_open_job, left_out FROM amt.request_jobs($1::text, $2::text, $3::text)
