-- The provisioning certificates of the service points, each with its chain.
SELECT p.service_point, p.subject, p.root_subject,
       floor(extract(epoch FROM p.not_after - now()))::bigint AS seconds_left,
       ARRAY(SELECT encode(c, 'base64') FROM unnest(p.chain) WITH ORDINALITY AS t (c, n) ORDER BY t.n) AS chain
  FROM amt.provisioning_certificate p
 ORDER BY p.service_point, p.position
