-- otp_activate: computer $1 is in setup with its registered one-time password: a job for both. Its service point may be connected
-- to another site server.
WITH begun AS (
    INSERT INTO amt_store.job (uuid, kind, requested_by) VALUES ($1::uuid, 'provision', 'agent') RETURNING id
), activated AS (
    UPDATE amt_store.one_time_password o SET state = 'activated', activated_at = now(), job = b.id
      FROM begun b
     WHERE o.uuid = $1::uuid AND o.state = 'registered'
)
SELECT pg_notify('amt_job', b.id::text) FROM begun b
