-- computer_networks_of: which versions of their networks' passwords computers $1 are known to have.
SELECT uuid, network, password_version FROM amt_store.computer_network WHERE uuid = ANY ($1::uuid[])
