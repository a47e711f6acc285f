-- What profile $1 says of networks and KVM sessions.
SELECT wireless, wireless_synchronization, kvm_session_timeout_min::text, kvm_consent_timeout_s::text
  FROM amt.profile_network WHERE profile = $1::text
