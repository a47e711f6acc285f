-- Says that somebody looked at alarm $1.
SELECT amt.acknowledge_alarm($1::bigint)::text
