-- reasons_store: fills the table of reasons: codes $1, retry $2, statuses $3, meanings $4, remedies $5.
INSERT INTO amt_store.reason AS r (code, retry, status, meaning, remedy)
SELECT * FROM unnest($1::text[], $2::boolean[], $3::bigint[], $4::text[], $5::text[])
    ON CONFLICT (code) DO UPDATE
   SET retry = EXCLUDED.retry, status = EXCLUDED.status, meaning = EXCLUDED.meaning, remedy = EXCLUDED.remedy
 WHERE (r.retry, r.status, r.meaning, r.remedy)
       IS DISTINCT FROM (EXCLUDED.retry, EXCLUDED.status, EXCLUDED.meaning, EXCLUDED.remedy)
