-- How many computers are left without a usable root, and when.
SELECT what, date_trunc('second', ends_at)::text AS ends_at, computers::text, not_provisioned::text, stranded::text
  FROM amt.root_end
 ORDER BY amt.root_end.stranded NULLS LAST
