-- Which keys of the key file are in use, and for how many values.
SELECT key_id, sum(count)::bigint AS secrets FROM amt.sealed_key GROUP BY key_id ORDER BY key_id
