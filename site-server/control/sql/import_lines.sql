-- Imports computers: UUIDs $1, short names $2, FQDNs $3, MAC addresses $4, then key, nonce, ciphertext and mark
-- of the MEBx password ($5 to $8) and of the admin password ($9 to $12), NULL where the file says nothing.
-- Counts the outcomes.
SELECT count(*) FILTER (WHERE outcome = 'imported') AS imported,
       count(*) FILTER (WHERE outcome = 'updated') AS updated,
       count(*) FILTER (WHERE outcome = 'unchanged') AS unchanged
  FROM (SELECT amt.import_computer(uuid, short_name, fqdn, mac::macaddr,
                                   ROW(mebx_key, mebx_nonce, mebx_ciphertext, mebx_mark)::amt.sealed,
                                   ROW(admin_key, admin_nonce, admin_ciphertext, admin_mark)::amt.sealed) AS outcome
          FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::bytea[],
                      $9::text[], $10::bytea[], $11::bytea[], $12::bytea[])
               AS l (uuid, short_name, fqdn, mac, mebx_key, mebx_nonce, mebx_ciphertext, mebx_mark,
                     admin_key, admin_nonce, admin_ciphertext, admin_mark)
        OFFSET 0) AS lines
