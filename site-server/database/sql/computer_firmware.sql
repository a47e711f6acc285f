-- computer_firmware: the firmware of computer $1 says that it is version $2.
UPDATE amt_store.computer SET firmware_version = $2::text
 WHERE uuid = $1::uuid AND firmware_version IS DISTINCT FROM $2::text
