-- The domains of the computers, which their DNS suffixes usually are.
SELECT lower(substr(fqdn, strpos(fqdn, '.') + 1)) AS domain, count(*) AS computers
  FROM amt.computer
 WHERE strpos(fqdn, '.') > 0
 GROUP BY 1 ORDER BY 2 DESC, 1
 LIMIT 50
