-- secrets_pending_supersede: pending passwords of computers $1, of kinds $2, give way to others. They stay:
-- the device may have them.
UPDATE amt_store.secret s SET state = 'superseded'
  FROM unnest($1::uuid[], $2::text[]) AS g (uuid, kind)
 WHERE s.uuid = g.uuid AND s.kind = g.kind AND s.state = 'pending'
