-- provisioning_certificates_store: the certificates of service point $1 are those with common names $2, subjects $3, root
-- subjects $4, ends $5, ends of the roots $6 (seconds since 1970); number $7 (from 1) has root hash $8, and number $9 the
-- certificate $10 (DER) in its chain, in the order of these.
WITH gone AS (
    DELETE FROM amt_store.provisioning_certificate
     WHERE service_point = $1::bigint AND position > coalesce(array_length($3::text[], 1), 0)
)
INSERT INTO amt_store.provisioning_certificate
       (service_point, position, common_name, subject, root_subject, not_after, root_not_after, root_hashes, chain)
SELECT $1::bigint, c.position, c.name, c.subject, c.root, to_timestamp(c.not_after), to_timestamp(c.root_not_after),
       ARRAY(SELECT h.hash FROM unnest($7::bigint[], $8::text[]) AS h (position, hash)
              WHERE h.position = c.position ORDER BY h.hash),
       ARRAY(SELECT p.der FROM unnest($9::bigint[], $10::bytea[]) WITH ORDINALITY AS p (position, der, number)
              WHERE p.position = c.position ORDER BY p.number)
  FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) WITH ORDINALITY
       AS c (name, subject, root, not_after, root_not_after, position)
    ON CONFLICT (service_point, position) DO UPDATE
   SET common_name = EXCLUDED.common_name, subject = EXCLUDED.subject, root_subject = EXCLUDED.root_subject,
       not_after = EXCLUDED.not_after, root_not_after = EXCLUDED.root_not_after, root_hashes = EXCLUDED.root_hashes,
       chain = EXCLUDED.chain, told_at = now()
