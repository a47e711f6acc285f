-- directory_object_removed: the object of computer $1 is gone, unless it was asked for again meanwhile. Its passwords stay,
-- like all.
WITH gone AS (
    DELETE FROM amt_store.directory_object WHERE uuid = $1::uuid AND NOT wanted RETURNING uuid
)
UPDATE amt_store.secret s SET state = 'superseded'
  FROM gone
 WHERE s.uuid = gone.uuid AND s.kind = 'directory' AND s.state IN ('pending', 'active')
