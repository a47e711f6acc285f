-- What keeps computers from being provisioned, most frequent first.
SELECT reason_code, computers::text, meaning, remedy, date_trunc('second', last_hello_at)::text AS last_hello_at
  FROM amt.failure_summary
 ORDER BY amt.failure_summary.computers DESC, reason_code
