-- Of computers $1, kinds $2: password $3 is active since $4 (milliseconds since 1970), $5 pending; NULL: none.
SELECT count(*) AS computers
  FROM (SELECT amt.recover_states(g.uuid, g.kind, g.active, to_timestamp(g.since / 1000.0), g.pending)
          FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
               AS g (uuid, kind, active, since, pending)
        OFFSET 0) AS told
