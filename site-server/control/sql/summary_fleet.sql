-- How many computers have which status.
SELECT amt_status::text, amt_status_name, computers::text, jobs_waiting::text, jobs_running::text, blocked::text
  FROM amt.fleet_summary
 ORDER BY amt.fleet_summary.amt_status NULLS FIRST
