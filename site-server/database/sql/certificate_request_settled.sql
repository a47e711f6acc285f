-- certificate_request_settled: job $1, if it waits for the authority, has to wait no longer; NULL: every such job.
UPDATE amt_store.job SET not_before = now()
 WHERE state = 'waiting' AND reason_code = 'issuer-waiting' AND ($1::bigint IS NULL OR id = $1::bigint)
