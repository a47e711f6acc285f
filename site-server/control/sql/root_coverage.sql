-- Which of our roots the computers trust.
SELECT root, sha256, certificates::text, service_points::text, date_trunc('second', usable_until)::text AS usable_until,
       date_trunc('second', root_not_after)::text AS root_not_after, computers::text, not_provisioned::text, only_this::text
  FROM amt.root_coverage
 ORDER BY amt.root_coverage.computers DESC, root
