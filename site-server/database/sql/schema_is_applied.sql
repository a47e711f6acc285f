-- schema_is_applied: whether version $1 was applied.
SELECT EXISTS (SELECT FROM amt.schema_version WHERE version = $1::integer) AS applied
