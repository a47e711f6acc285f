-- unknown_trim: keeps the $1 unknown computers that were heard last.
DELETE FROM amt_store.unknown_hello
 WHERE uuid IN (SELECT uuid FROM amt_store.unknown_hello ORDER BY last_seen DESC OFFSET $1::bigint)
