-- jobs_stranded_due: jobs that waited for a service point are due now that one came.
UPDATE amt_store.job SET not_before = now()
 WHERE state = 'waiting' AND reason_code = 'no-service-point' AND not_before > now()
