-- profile_networks_of: what profiles $1 say of networks and KVM sessions.
SELECT profile, wireless, wireless_synchronization, kvm_session_timeout_min, kvm_consent_timeout_s
  FROM amt_store.profile_network WHERE profile = ANY ($1::text[])
