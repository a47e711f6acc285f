-- 0009_proven_address.sql: where a computer proved last that it is the one that this site provisioned.

ALTER TABLE amt_store.computer ADD COLUMN proven_address inet; -- of the last job that ended well; NULL: not provisioned by us
UPDATE amt_store.computer SET proven_address = address WHERE amt_status = 3;
