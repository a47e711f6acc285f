-- alarm_raise: alarm $1 about computer $2, if it is known, at address $3, in words $4.
SELECT amt_store.raise_alarm($1::text, c.uuid, $3::text::inet, $4::text)
  FROM amt_store.computer c WHERE c.uuid = $2::uuid
