-- jobs_due: at most $3 jobs that may be handed out now, after the one that was due at $1 (microseconds since 1970), number $2.
SELECT j.id, j.failures, j.heard_by, host(c.address) AS address,
       -- A computer that is not in setup asks for no provisioning certificate.
       CASE WHEN j.kind = 'provision' OR (j.kind = 'discover' AND coalesce(c.amt_status, 2) <= 2)
            THEN coalesce(CASE WHEN c.managed_in_band THEN a.root_hashes ELSE h.root_hashes END, '{}') ELSE '{}' END AS root_hashes,
       -- For people. Whatever an agent said, it must not end the statement: an IPv4 address has no more than 32 bits.
       network(set_masklen(c.address, least(coalesce(a.wired_prefix_bits::integer, CASE family(c.address) WHEN 4 THEN 24 ELSE 64 END),
                                            CASE family(c.address) WHEN 4 THEN 32 ELSE 128 END)))::text AS subnet,
       (extract(epoch FROM j.not_before) * 1000000)::bigint AS not_before_us
  FROM amt_store.job j
  JOIN amt_store.computer c USING (uuid)
  LEFT JOIN amt_store.hello h USING (uuid)
  LEFT JOIN amt_store.agent a ON a.uuid = j.uuid AND c.managed_in_band
 WHERE j.state = 'waiting' AND j.not_before <= now() AND c.address IS NOT NULL
   AND (j.not_before, j.id) > (CASE WHEN $1::bigint < 0 THEN '-infinity'::timestamptz
                                    ELSE 'epoch'::timestamptz + $1::bigint * interval '1 microsecond' END, $2::bigint)
 ORDER BY j.not_before, j.id
 LIMIT $3::bigint
