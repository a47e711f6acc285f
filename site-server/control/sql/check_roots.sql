-- Computers that trust none of our roots, and those that are left without one within $1 days.
SELECT coalesce(sum(computers) FILTER (WHERE ends_at IS NULL AND stranded IS NOT NULL), 0)::bigint AS trust_none,
       coalesce(sum(computers) FILTER (WHERE ends_at < now() + $1::bigint * interval '1 day'), 0)::bigint AS stranded,
       min(date_trunc('day', ends_at))::date::text AS first_end
  FROM amt.root_end
