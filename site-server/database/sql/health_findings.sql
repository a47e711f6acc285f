-- health_findings: what somebody has to look at, for Prometheus.
SELECT 'amt_health_findings' AS figure, h.code AS label, count(*) AS value FROM amt.health h WHERE h.level <> 'note' GROUP BY h.code
