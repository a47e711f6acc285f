-- How each profile goes to computers; halted ones first.
SELECT profile, state, under_way::text, waiting::text, judged::text, failed::text, worst_reason, worst_count::text, wave_size::text,
       per_subnet::text, subnet_bits::text, subnet_bits_ipv6::text, failures::text, failures_one_reason::text, judged_last::text,
       lost_contact_counts::text, halted_why, date_trunc('second', halted_at)::text AS halted_at, halted_by,
       date_trunc('second', counted_from)::text AS counted_from
  FROM amt.rollout
 ORDER BY state, profile
