-- schema_exists: whether any version of the schema is there. Fails for a user who may not use schema amt.
SELECT to_regclass('amt.schema_version') IS NOT NULL AS present
