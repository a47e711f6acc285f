-- 0012_network_passwords.sql: which passphrases and EAP passwords of its profile's networks a computer has.

-- Firmware tells none back: what it has is what it is known to have taken, as with users' passwords.
ALTER TABLE amt_store.profile_wireless ADD COLUMN password_version bigint;
ALTER TABLE amt_store.profile_wired_8021x ADD COLUMN password_version bigint;
UPDATE amt_store.profile_wireless SET password_version = nextval('amt_store.password_version') WHERE ciphertext IS NOT NULL;
UPDATE amt_store.profile_wired_8021x SET password_version = nextval('amt_store.password_version') WHERE ciphertext IS NOT NULL;
CREATE TRIGGER password_numbered BEFORE INSERT OR UPDATE ON amt_store.profile_wireless
    FOR EACH ROW EXECUTE FUNCTION amt_store.number_password();
CREATE TRIGGER password_numbered BEFORE INSERT OR UPDATE ON amt_store.profile_wired_8021x
    FOR EACH ROW EXECUTE FUNCTION amt_store.number_password();

CREATE TABLE amt_store.computer_network (
    uuid             uuid NOT NULL REFERENCES amt_store.computer ON DELETE CASCADE,
    network          text NOT NULL, -- name of the wireless profile; empty: wired 802.1X
    password_version bigint NOT NULL,
    written_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (uuid, network)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON amt_store.computer_network TO amt_site_server;
