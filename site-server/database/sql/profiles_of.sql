-- profiles_of: profiles $1.
SELECT name, ping, web_interface, serial_over_lan, ide_redirection, kvm, user_consent, power, mebx_password,
       first_stage, tls, trusted_names, mebx_key_id AS key_id, mebx_nonce AS nonce, mebx_ciphertext AS ciphertext
  FROM amt_store.profile WHERE name = ANY ($1::text[])
