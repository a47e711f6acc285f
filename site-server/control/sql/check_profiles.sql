-- Profiles whose shared MEBx password is not set.
SELECT name, computers::text FROM amt.profile
 WHERE mebx_password = 'shared' AND NOT shared_mebx_password_set
 ORDER BY name
