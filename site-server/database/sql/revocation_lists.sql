-- revocation_lists: the newest list of each internal authority.
SELECT name, number, list FROM amt.revocation_list
