-- unprovision_proof: what attempts before attempt $2 told of job $1, which unprovisions: that the firmware had no provisioning
-- any more; and that it was going to be asked, by an attempt that did not live to see what came of it.
SELECT coalesce(bool_or(s.name IN ('unprovision', 'unprovision partially')), false) AS confirmed,
       coalesce(bool_or(s.name = 'begin' AND s.outcome = 'done'
                        AND (a.outcome = 'lease-over' OR a.reason_code IN ('service-point-stopping', 'time-up'))), false) AS begun
  FROM amt_store.job_step s JOIN amt_store.job_attempt a USING (job, attempt)
 WHERE s.job = $1::bigint AND s.attempt < $2::bigint AND s.outcome IN ('done', 'unchanged')
