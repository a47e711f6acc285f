-- computer_networks_store: computer $1 took the passwords of wireless profiles $2 (empty: wired 802.1X), of versions $3. One
-- that was replaced meanwhile is none that anybody asks for.
INSERT INTO amt_store.computer_network AS n (uuid, network, password_version)
SELECT DISTINCT $1::uuid, g.network, g.version
  FROM unnest($2::text[], $3::bigint[]) AS g (network, version)
  JOIN amt_store.computer c ON c.uuid = $1::uuid
 WHERE EXISTS (SELECT FROM amt_store.profile_wireless w
                WHERE w.profile = c.profile AND w.name = g.network AND w.password_version = g.version)
    OR EXISTS (SELECT FROM amt_store.profile_wired_8021x w
                WHERE w.profile = c.profile AND g.network = '' AND w.password_version = g.version)
    ON CONFLICT (uuid, network) DO UPDATE SET password_version = EXCLUDED.password_version, written_at = now()
