-- refusals_forget: computer $1 accepted an account.
DELETE FROM amt_store.account_refused WHERE uuid = $1::uuid
