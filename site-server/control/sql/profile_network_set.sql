-- What profile $1 says of networks and KVM sessions: $2.
SELECT amt.profile_network_set($1::text, $2::text::jsonb)::text
