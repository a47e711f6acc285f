-- Switches automatic re-provisioning of computer $1 to $2.
SELECT amt.set_auto_reprovision($1::uuid, $2::boolean)::text
