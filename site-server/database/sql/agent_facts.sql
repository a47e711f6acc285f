-- agent_facts: what decides whether the agent with key $1, which says that it runs on computer $2, called $4, and shows a
-- token of hash $3 (NULL: none) is, or becomes, that computer's.
SELECT (SELECT a.uuid FROM amt_store.agent a WHERE a.key = $1::text) AS key_owner,
       EXISTS (SELECT FROM amt_store.agent a WHERE a.uuid = g.uuid AND a.key <> $1::text) AS bound_elsewhere,
       EXISTS (SELECT FROM amt_store.computer c WHERE c.uuid = g.uuid) AS computer_known,
       EXISTS (SELECT FROM amt_store.computer c WHERE lower(c.fqdn) = lower($4::text) AND c.uuid <> g.uuid) AS name_taken,
       t.id AS token,
       CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked' WHEN t.expires_at <= now() THEN 'expired'
            WHEN t.id IS NOT NULL THEN 'good' END AS token_state,
       coalesce(t.uuid <> g.uuid, false) AS token_of_another
  FROM (SELECT $2::uuid AS uuid) AS g
  LEFT JOIN amt_store.enrolment_token t ON t.hash = $3::bytea
