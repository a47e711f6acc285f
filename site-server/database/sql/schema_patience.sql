-- schema_patience: how long this transaction waits for a lock, unless the connection says otherwise: whatever comes behind a
-- schema change that waits, waits with it.
SELECT set_config('lock_timeout', '5s', true) WHERE current_setting('lock_timeout') = '0'
