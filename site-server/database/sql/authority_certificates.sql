-- authority_certificates: certificates of the authorities whose certificates in the firmware count as ours.
SELECT certificate FROM amt_store.authority WHERE not_after > now() ORDER BY state, created_at DESC
