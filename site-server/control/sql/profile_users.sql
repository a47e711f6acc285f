-- The users of profile $1; realm_names as realm.c reads them. A directory user by name stands for its SID.
SELECT name, coalesce(sid, CASE WHEN position('\' IN name) > 0 THEN name END) AS sid, access,
       array_to_json(realms)::text AS realms, array_to_string(realms, ', ') AS realm_names
  FROM amt.profile_user
 WHERE profile = $1::text
 ORDER BY sid IS NOT NULL OR position('\' IN name) > 0, name
