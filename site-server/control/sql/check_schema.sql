-- The newest schema change that was applied.
SELECT coalesce(max(version), 0) AS version FROM amt.schema_version
