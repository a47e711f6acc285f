-- schema_applied: records that version $1, named $2, is there.
INSERT INTO amt_store.schema_version (version, name) VALUES ($1::integer, $2::text)
