-- What waits for a person.
SELECT what, amount::text, remedy
  FROM (SELECT 1 AS rank, 'service points wait for approval' AS what,
               (SELECT count(*) FROM amt.service_point WHERE state = 'pending') AS amount,
               'compare the keys, then amtctl service-point approve' AS remedy
        UNION ALL
        SELECT 2, 'computers say Hello without being imported', (SELECT count(*) FROM amt.unknown_hello),
               'see amtctl computer unknown; import those that are yours'
        UNION ALL
        SELECT 3, 'computers are blocked', (SELECT count(*) FROM amt.computer WHERE blocked),
               'amtctl computer unblock, when the reason is gone'
        UNION ALL
        SELECT 4, 'jobs were given up within a day',
               (SELECT count(*) FROM amt.job WHERE state = 'failed' AND finished_at > now() - interval '1 day'),
               'see amtctl job list --state failed; mend the reason, then amtctl job request'
        UNION ALL
        SELECT 5, 'certificates are due for renewal',
               (SELECT count(*) FROM amt.certificate WHERE state = 'active' AND renew_at < now()),
               'renewal is requested by itself; where it failed see amtctl job list --state failed'
        UNION ALL
        SELECT 6, 'approved service points are not connected',
               (SELECT count(*) FROM amt.service_point WHERE state = 'approved' AND NOT connected),
               'start them, or amtctl service-point remove'
        UNION ALL
        SELECT 7, 'alarms: somebody seems to claim to be a computer that he is not',
               (SELECT count(*) FROM amt.alarm WHERE acknowledged_at IS NULL),
               'see amtctl alarm list; look at the computers, then amtctl alarm acknowledge') AS waiting
 WHERE amount > 0
 ORDER BY rank
