-- Enrolment tokens, newest first.
SELECT name, state, coalesce(fqdn, uuid::text, 'any computer') AS owner, uuid::text, uses::text,
       date_trunc('second', expires_at)::text AS expires_at, date_trunc('second', last_used_at)::text AS last_used_at,
       date_trunc('second', created_at)::text AS created_at, created_by,
       date_trunc('second', revoked_at)::text AS revoked_at, revoked_by
  FROM amt.enrolment_token
 ORDER BY id DESC
