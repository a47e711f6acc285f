-- The retry list, in order.
SELECT position::text, name, username FROM amt.account ORDER BY amt.account.position
