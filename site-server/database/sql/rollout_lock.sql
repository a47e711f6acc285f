-- rollout_lock: until the end of the transaction only this site server begins jobs $1 of profiles with limits.
SELECT o.profile FROM amt_store.rollout o
 WHERE o.profile IN (SELECT c.profile FROM amt_store.job j JOIN amt_store.computer c USING (uuid) WHERE j.id = ANY ($1::bigint[]))
   AND (o.halted OR o.wave_size IS NOT NULL OR o.per_subnet IS NOT NULL)
 ORDER BY o.profile
   FOR NO KEY UPDATE
