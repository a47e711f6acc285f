-- Computers $1 were met at addresses $2.
SELECT count(*) AS computers
  FROM (SELECT amt.recover_address(g.uuid, g.address::inet) FROM unnest($1::uuid[], $2::text[]) AS g (uuid, address) OFFSET 0) AS told
