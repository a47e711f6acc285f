-- secret_supersede_others: before password $2 of computer $1 becomes active, the one of its kind that was so is superseded.
UPDATE amt_store.secret s SET state = 'superseded'
  FROM amt_store.secret proved
 WHERE proved.id = $2::bigint AND proved.uuid = $1::uuid AND s.uuid = proved.uuid AND s.kind = proved.kind
   AND s.state = 'active' AND s.id <> proved.id AND proved.state <> 'imported'
