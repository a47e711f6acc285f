-- computer_users_of: which versions of their users' passwords computers $1 are known to have.
SELECT uuid, name, password_version FROM amt_store.computer_user WHERE uuid = ANY ($1::uuid[])
