-- Takes account $1 off the retry list.
SELECT amt.account_remove($1::text)::text
