-- The users of profile $1; realm_names as realm.c reads them.
SELECT name, sid, access, array_to_json(realms)::text AS realms, array_to_string(realms, ', ') AS realm_names
  FROM amt.profile_user
 WHERE profile = $1::text
 ORDER BY sid IS NOT NULL, name
