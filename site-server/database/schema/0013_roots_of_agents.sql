-- 0013_roots_of_agents.sql: which roots a computer trusts is told by its agent, too.

-- An agent tells what is active now; a Hello, where there is none, what was when it came.
CREATE OR REPLACE VIEW amt_store.trusted_roots AS
    SELECT c.uuid, c.amt_status, coalesce(nullif(a.root_hashes, '{}'), h.root_hashes) AS root_hashes
      FROM amt_store.computer c
      LEFT JOIN amt_store.hello h USING (uuid)
      LEFT JOIN amt_store.agent a USING (uuid);
COMMENT ON VIEW amt.root_coverage IS 'How many computers trust which of our provisioning roots, as far as their Hellos and agents told';
