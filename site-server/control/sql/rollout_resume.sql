-- Goes on with the rollout of profile $1.
SELECT amt.rollout_resume($1::text)::text
