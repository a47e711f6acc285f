-- certificate_request_note: the request of job $1 for the key with fingerprint $2, usage $3 and name $4 is in state $5; the
-- authority is asked again in $6 seconds; refused for $7, $8.
INSERT INTO amt_store.certificate_request AS r (job, key_fingerprint, usage, uuid, fqdn, state)
SELECT j.id, $2::bytea, $3::text, j.uuid, $4::text, $5::text FROM amt_store.job j WHERE j.id = $1::bigint
    ON CONFLICT (job, key_fingerprint, usage) DO UPDATE
   SET state = $5::text, asked_at = CASE WHEN $5::text = 'asked' AND r.state <> 'waiting' THEN now() ELSE r.asked_at END,
       ask_again_at = CASE WHEN $5::text = 'waiting' THEN now() + $6::bigint * interval '1 second' END,
       ended_at = CASE WHEN $5::text IN ('granted', 'refused') THEN now() END,
       problem_code = $7::text, problem = $8::text
