-- What waits for, or was refused by, whom the certificates come from.
SELECT (SELECT count(*) FROM amt.certificate_request WHERE state = 'waiting') AS waiting,
       (SELECT count(*) FROM amt.certificate_request WHERE state = 'refused' AND ended_at > now() - interval '1 day') AS refused,
       (SELECT problem FROM amt.certificate_request WHERE state = 'refused' AND ended_at > now() - interval '1 day'
         ORDER BY ended_at DESC LIMIT 1) AS refusal,
       (SELECT count(*) FROM amt.revocation
         WHERE published_at IS NULL AND revoked_at < now() - interval '5 minutes') AS unpublished,
       (SELECT problem FROM amt.revocation WHERE published_at IS NULL AND problem IS NOT NULL
         ORDER BY revoked_at DESC LIMIT 1) AS unpublished_why
