-- What ends within $1 days, the first to end first.
SELECT what, name, detail, date_trunc('second', not_after)::text AS not_after,
       floor(extract(epoch FROM not_after - now()) / 86400)::bigint::text AS days_left,
       date_trunc('second', renew_at)::text AS renew_at, renewal, uuid::text
  FROM amt.certificate_expiry
 WHERE not_after < now() + $1::bigint * interval '1 day'
 ORDER BY not_after, what, name
