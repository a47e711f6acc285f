-- job_next_due: milliseconds until a waiting job may be handed out, a lease ends or a certificate is to be renewed;
-- NULL: nothing is to come.
SELECT CASE WHEN due.at > clock_timestamp() THEN ceil(extract(epoch FROM due.at - clock_timestamp()) * 1000)::bigint
            WHEN due.at IS NOT NULL THEN 0 END AS milliseconds
  FROM (SELECT least(
           (SELECT min(j.not_before) FROM amt_store.job j WHERE j.state = 'waiting' AND j.not_before > now()),
           (SELECT min(j.leased_until) FROM amt_store.job j WHERE j.state = 'leased'),
           (SELECT min(t.renew_at) FROM amt_store.certificate t WHERE t.state = 'active' AND t.usage = 'server' AND t.renew_at > now())) AS at) AS due
