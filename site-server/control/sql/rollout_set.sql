-- Settings $2 of the rollout of profile $1 become $3.
SELECT amt.rollout_set($1::text, (SELECT jsonb_object_agg(s.key, CASE s.value WHEN 'none' THEN 'null'::jsonb WHEN 'on' THEN 'true'::jsonb
                                                                   WHEN 'off' THEN 'false'::jsonb ELSE to_jsonb(s.value) END)
                                    FROM unnest($2::text[], $3::text[]) AS s (key, value)))::text
