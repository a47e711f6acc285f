#include "support/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "support/expect.h"

enum { WORKSTATION_FOR_EVER = 0x11000 /* MS-ADTS 2.2.16: trust account, password does not expire */ };

#define ADMIN_PASSWORD "P@ssw0rd-1"

void machine_plug_in(struct machines *machines, struct machine *machine, const char *generation)
{
    const unsigned index = machines->count++;
    struct error err = { 0 };

    machine->of = machines;
    snprintf(machine->uuid, sizeof(machine->uuid), "7f3a1c52-9b04-4e6d-a1c8-0d5e2f6b%04x", index);
    machine->generation = text_copy(generation);
    machine->amt_major = (unsigned)atoi(generation);
    machine->port = machine->amt_major < 16 ? 16992 : 16993;
    machine->account = text_format("PC-%u", index);
    machine->fqdn = text_format("pc-%u." DOMAIN_DNS, index);
    machine->address = workplace_computer_address(machines->place, index);
    machine->password = text_format("First-password-of-%u", index);
    must(simulator_control(machines->simulator, NULL, &err,
                           "add uuid=%s address=%s generation=%s state=post hello=manual clock-valid=yes "
                           "clock-offset=0 admin-password=" ADMIN_PASSWORD,
                           machine->uuid, machine->address, generation));
}

void machine_clear(struct machine *machine)
{
    text_free(&machine->generation);
    text_free(&machine->account);
    text_free(&machine->fqdn);
    text_free(&machine->address);
    text_free(&machine->password);
}

/* ---- its account ---- */

static char *quoted_utf16(const char *password)
{
    size_t length = strlen(password);
    AUTO(text_free) char *quoted = text_format("\"%s\"", password);
    AUTO(text_free) char *wide = allocate(2 * (length + 2));

    for (size_t i = 0; i < length + 2; i++)
        wide[2 * i] = quoted[i];
    return base64_encode(wide, 2 * (length + 2));
}

void machine_join(const struct machine *machine, uint32_t encryptions)
{
    AUTO(text_free) char *password = quoted_utf16(machine->password);
    AUTO(text_free)
    char *ldif = text_format("dn: CN=%s," DOMAIN_CONTAINER
                             "\nchangetype: add\nobjectClass: computer\nsAMAccountName: %s$\n"
                             "userAccountControl: %d\ndNSHostName: %s\nmsDS-SupportedEncryptionTypes: %u\n"
                             "servicePrincipalName: HTTP/%s\nservicePrincipalName: HTTP/%s:16992\n"
                             "servicePrincipalName: HTTP/%s:16993\nunicodePwd:: %s\n",
                             machine->account, machine->account, WORKSTATION_FOR_EVER, machine->fqdn,
                             encryptions, machine->fqdn, machine->fqdn, machine->fqdn, password);
    struct error err = { 0 };

    must(domain_modify(machine->of->domain, ldif, &err));
}

void machine_change_password(struct machine *machine, const char *password)
{
    AUTO(text_free) char *wide = quoted_utf16(password);
    AUTO(text_free)
    char *ldif = text_format("dn: CN=%s," DOMAIN_CONTAINER
                             "\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: %s\n",
                             machine->account, wide);
    struct error err = { 0 };

    must(domain_modify(machine->of->domain, ldif, &err));
    text_set(&machine->password, password);
}

/* ---- its firmware ---- */

struct web_target machine_target(const struct machine *machine)
{
    return (struct web_target){ machine->fqdn, machine->address, machine->port, machine->of->openssl_config,
                                NULL };
}

static void as_admin(const struct machine *machine, const char *body)
{
    const struct web_target target = machine_target(machine);
    AUTO(web_answer_clear) struct web_answer answer = { 0 };
    struct error err = { 0 };

    must(web_post(&target, NULL, (const char *[]){ "--digest", "--user", "admin:" ADMIN_PASSWORD, NULL },
                  body, &answer, &err));
    if (answer.status != 200)
        fail_msg("%s", answer.text);
}

static char *key_elements(const struct kerberos_account *account)
{
    AUTO(text_free) char *key = NULL;

    if (account->passphrase)
        return text_format("<k:IterationCount>%u</k:IterationCount><k:Passphrase>%s</k:Passphrase>"
                           "<k:Salt>%s</k:Salt>",
                           account->iterations, secret_reveal(account->passphrase), account->salt);
    key = base64_encode(secret_reveal(account->master_key), secret_length(account->master_key));
    return text_format("<k:EncryptionAlgorithm>0</k:EncryptionAlgorithm><k:MasterKey>%s</k:MasterKey>", key);
}

#define KERBEROS_SELECTOR                                                                                    \
    "<w:SelectorSet><w:Selector Name=\"InstanceID\">Intel (r) AMT: Kerberos Settings</w:Selector>"           \
    "</w:SelectorSet>"

void machine_put_kerberos(const struct machine *machine, const char *elements)
{
    AUTO(text_free)
    char *instance = text_format(
        "<k:AMT_KerberosSettingData xmlns:k=\"" AMT_SCHEMA "AMT_KerberosSettingData\"><k:InstanceID>"
        "Intel (r) AMT: Kerberos Settings</k:InstanceID>%s</k:AMT_KerberosSettingData>",
        elements);
    AUTO(text_free)
    char *body = wsman_request(WSMAN_TRANSFER "Put", "AMT_KerberosSettingData", KERBEROS_SELECTOR, instance);

    as_admin(machine, body);
}

void machine_put_account(const struct machine *machine, const struct kerberos_account *account)
{
    AUTO(text_free) char *key = key_elements(account);
    AUTO(text_free) char *names = text_copy("");
    AUTO(text_free) char *settings = NULL;

    for (size_t i = 0; i < account->principal_count; i++) {
        char *longer = text_format("%s<k:ServicePrincipalName>%s</k:ServicePrincipalName>"
                                   "<k:ServicePrincipalProtocol>%zu</k:ServicePrincipalProtocol>",
                                   names, account->principals[i], i);

        text_free(&names);
        names = longer;
    }
    settings =
        text_format("%s<k:KeyVersion>%u</k:KeyVersion><k:KrbEnabled>true</k:KrbEnabled>"
                    "<k:MaximumClockTolerance>5</k:MaximumClockTolerance><k:RealmName>%s</k:RealmName>%s",
                    key, account->key_version, account->realm, names);
    machine_put_kerberos(machine, settings);
}

void machine_allow(const struct machine *machine, const char *sid, unsigned realm)
{
    AUTO(text_free)
    char *input = text_format("<q:AddUserAclEntryEx_INPUT xmlns:q=\"" AMT_SCHEMA "AMT_AuthorizationService\">"
                              "<q:KerberosUserSid>%s</q:KerberosUserSid>"
                              "<q:AccessPermission>2</q:AccessPermission><q:Realms>%u</q:Realms>"
                              "</q:AddUserAclEntryEx_INPUT>",
                              sid, realm);
    AUTO(text_free)
    char *body = wsman_request(AMT_SCHEMA "AMT_AuthorizationService/AddUserAclEntryEx",
                               "AMT_AuthorizationService", "", input);

    as_admin(machine, body);
}
