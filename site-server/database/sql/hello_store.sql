-- hello_store: records Hellos: computers $1, addresses $2, service points $3, roots $4 (separated by blanks), retry counts $5,
-- credentials set $6, times heard $7, reasons $8 and texts $9 of the verdicts (NULL: offered). Of the computer: status $10
-- (NULL: as it is), whether its reason changes $11, to $12 and $13. Anybody can say Hello: the address of a provisioned
-- computer, or of one that a job talks to, changes only when the Hello is to be looked into.
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::boolean[], $7::bigint[],
                         $8::text[], $9::text[], $10::bigint[], $11::boolean[], $12::text[], $13::text[])
           AS g (uuid, address, service_point, root_hashes, retry_count, credentials_set, times, verdict, why,
                 amt_status, reason_changes, reason_code, reason)
), stored AS (
    INSERT INTO amt_store.hello AS h (uuid, address, service_point, root_hashes, retry_count, credentials_set,
                                      first_seen, last_seen, count, offered, reason_code, reason)
    SELECT uuid, address::inet, service_point, string_to_array(root_hashes, ' '), retry_count, credentials_set,
           now(), now(), times, verdict IS NULL, verdict, why
      FROM given
        ON CONFLICT (uuid) DO UPDATE
       SET address = EXCLUDED.address, service_point = EXCLUDED.service_point, root_hashes = EXCLUDED.root_hashes,
           retry_count = EXCLUDED.retry_count, credentials_set = EXCLUDED.credentials_set,
           last_seen = EXCLUDED.last_seen, count = h.count + EXCLUDED.count, offered = EXCLUDED.offered,
           reason_code = EXCLUDED.reason_code, reason = EXCLUDED.reason
)
UPDATE amt_store.computer c
   SET address = CASE WHEN c.managed_in_band THEN c.address
                      WHEN c.address IS NULL OR g.verdict IS NULL
                        OR (c.amt_status IS DISTINCT FROM 3 AND g.verdict <> 'job-under-way')
                      THEN g.address::inet ELSE c.address END,
       last_hello_at = now(), amt_status = coalesce(g.amt_status, c.amt_status),
       reason_code = CASE WHEN g.reason_changes THEN g.reason_code ELSE c.reason_code END,
       reason = CASE WHEN g.reason_changes THEN g.reason ELSE c.reason END
  FROM given g
 WHERE c.uuid = g.uuid
