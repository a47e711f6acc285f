-- account_list: the provisioning and discovery accounts in their order.
SELECT name, username, key_id, nonce, ciphertext FROM amt_store.account ORDER BY position
