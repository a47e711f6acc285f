-- schema_lock: one at a time changes the schema; released at the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('amt schema', 0))
