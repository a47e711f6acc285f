-- All profiles, or the one called $1.
SELECT p.name, p.ping::text, p.web_interface::text, p.serial_over_lan::text, p.ide_redirection::text, p.kvm::text,
       p.user_consent, p.power, p.mebx_password, p.shared_mebx_password_set::text, p.first_stage, p.tls,
       array_to_json(t.trusted_names)::text AS trusted_names, t.trusted_names AS trusted_name_list,
       (SELECT count(*) FROM amt.profile_user u WHERE u.profile = p.name)::text AS users, p.computers::text,
       date_trunc('second', p.changed_at)::text AS changed_at, p.changed_by
  FROM amt.profile p JOIN amt.profile_tls t ON t.profile = p.name
 WHERE $1::text IS NULL OR p.name = $1
 ORDER BY p.name
