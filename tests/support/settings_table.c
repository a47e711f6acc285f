#include "support/settings_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"

enum { COLUMNS_MAX = 64, FIRST_OF_4_0 = 4, FIRST_OF_5_0 = 5, FIRST_OF_6_0 = 6, LAST_WITH_WEB = 15 };

#define ABSENT   "absent"
#define NOT_THAT "no"

static const char *const everything_users[] = { "console", "helpdesk", NULL };

const struct proof_profile proof_of_everything = { .ping = true,
                                                   .web_interface = true,
                                                   .serial_over_lan = true,
                                                   .ide_redirection = true,
                                                   .always_on = true,
                                                   .users = everything_users };

#define SETTINGS                                                                                             \
    "ping = on\nweb interface = on\nserial over lan = on\nide redirection = on\nkvm = on\n"                  \
    "user consent = all\npower = always-on\nmebx password = random\n"                                        \
    "user console = redirection, remote-control, general-info\n"                                             \
    "user helpdesk = both: hardware-asset, event-log-reader\n"                                               \
    "[kvm]\nsession timeout = 20\nconsent timeout = 60\n"
#define NETWORKS                                                                                             \
    "[wireless]\nsynchronization = user\n"                                                                   \
    "[wireless office]\nssid = office-net\npriority = 2\nauthentication = wpa2-psk\n"                        \
    "[wireless corporate]\nssid = corp\npriority = 1\nauthentication = wpa2-802.1x\neap = tls\n"             \
    "server name = radius.example.com\n%s"                                                                   \
    "[wired 802.1x]\npxe timeout = 90\nactive in s0 = off\neap = tls\nserver name = radius.example.com\n%s"
#define PASSWORDS "wireless office:correct horse battery\n"

bool everything_set(struct site *site, const char *profile, struct error *err)
{
    AUTO(text_free) char *path = site_path(site, "everything.profile");
    AUTO(text_free) char *password_path = site_path(site, "everything.passwords");
    AUTO(text_free) char *content = NULL;
    AUTO(text_free) char *root = NULL; /* any authority will do for the RADIUS server */

    if (!file_read(site->provisioning.root_path, &root, NULL, err))
        return false;
    content = text_format(SETTINGS NETWORKS, root, root);
    return file_write(path, content, 0600, err) && file_write(password_path, PASSWORDS, 0600, err) &&
           site_amtctl(site, NULL, err, "profile", "set", profile, path, "--password-file", password_path,
                       NULL);
}

/* ---- reading: each returns the value as text, the caller's ----------------------------------------- */

struct reading {
    struct site *site;
    const struct computer *computer;
    json_object *state;
    struct error *err; /* set, with a NULL returned, when it cannot be read */
};

static char *read_text(const struct reading *reading, const char *path)
{
    json_object *value = json_at(reading->state, path);

    return text_copy(value ? json_object_get_string(value) : ABSENT);
}

static char *read_switch(const struct reading *reading, const char *path)
{
    json_object *value = json_at(reading->state, path);

    return text_copy(!value ? ABSENT : json_object_get_boolean(value) ? "on" : "off");
}

static char *read_kvm_switch(const struct reading *reading, const char *path)
{
    return json_true_at(reading->state, "kvm.present") ? read_switch(reading, path) : text_copy(ABSENT);
}

static char *read_kvm(const struct reading *reading, const char *path)
{
    return json_true_at(reading->state, "kvm.present") ? read_text(reading, path) : text_copy(ABSENT);
}

static char *read_wireless(const struct reading *reading, const char *path)
{
    return json_true_at(reading->state, "wifi.present") ? read_text(reading, path) : text_copy(ABSENT);
}

static char *read_state(const struct reading *reading, const char *path)
{
    static const char *const names[] = { "pre", "in", "post" };
    int64_t state = json_number_at(reading->state, path);

    return text_copy(state >= 0 && state < (int64_t)COUNT_OF(names) ? names[state] : NOT_THAT);
}

static char *read_mode(const struct reading *reading, const char *path)
{
    return text_copy(json_number_at(reading->state, path) == 2 ? "admin" : NOT_THAT);
}

/* AMT SDK, IPS_OptInService: OptInRequired. */
static char *read_consent(const struct reading *reading, const char *path)
{
    int64_t required = json_number_at(reading->state, path);

    if (!json_at(reading->state, path))
        return text_copy(ABSENT);
    return text_copy(required == 0            ? "none"
                     : required == 1          ? "kvm"
                     : required == UINT32_MAX ? "all"
                                              : NOT_THAT);
}

static char *right(bool is)
{
    return text_copy(is ? "right" : "wrong");
}

static char *read_host(const struct reading *reading, const char *path)
{
    return right(strcmp(json_text_at(reading->state, path), reading->computer->short_name) == 0);
}

static char *read_domain(const struct reading *reading, const char *path)
{
    return right(strcmp(json_text_at(reading->state, path), reading->site->dns_suffix) == 0);
}

static char *read_clock(const struct reading *reading, const char *path)
{
    return right(llabs(json_number_at(reading->state, path)) <= 2 && json_at(reading->state, path));
}

static char *read_admin(const struct reading *reading, const char *path)
{
    (void)path;
    return text_copy(proof_check_escrow(reading->site, reading->computer, reading->err) ? "escrow"
                                                                                        : NOT_THAT);
}

static char *read_mebx(const struct reading *reading, const char *path)
{
    AUTO(text_free) char *escrow = NULL;

    if (!site_amtctl(reading->site, &escrow, reading->err, "secret", "show", reading->computer->uuid, "mebx",
                     NULL))
        return NULL;
    escrow[strcspn(escrow, "\n")] = '\0';
    return text_copy(strcmp(escrow, json_text_at(reading->state, path)) == 0 ? "escrow" : NOT_THAT);
}

/* The stored certificate of that handle; NULL: none. Borrowed. */
static json_object *certificate_of(const struct reading *reading, json_object *handle)
{
    json_object *certificates = json_at(reading->state, "certificates");

    for (size_t i = 0; handle && i < json_object_array_length(certificates); i++) {
        json_object *certificate = json_object_array_get_idx(certificates, i);

        if (json_number_at(certificate, "handle") == json_object_get_int64(handle))
            return certificate;
    }
    return NULL;
}

static char *read_server_certificate(const struct reading *reading, const char *path)
{
    json_object *certificate = certificate_of(reading, json_at(reading->state, path));

    return text_copy(certificate && json_at(certificate, "key_handle") &&
                             certificate_check_device(json_text_at(certificate, "der"),
                                                      reading->site->issuer_path, reading->computer->fqdn,
                                                      reading->err)
                         ? "ours"
                         : NOT_THAT);
}

/* With its key, from the issuer of TLS's certificate, and not that one itself. */
static const char *client_certificate(const struct reading *reading, json_object *handle)
{
    json_object *tls = json_at(reading->state, "tls.effective.credential_certificate");
    json_object *certificate = certificate_of(reading, handle), *server = certificate_of(reading, tls);

    return certificate && server && certificate != server && json_at(certificate, "key_handle") &&
                   strcmp(json_text_at(certificate, "issuer"), json_text_at(server, "issuer")) == 0
               ? "ours"
               : NOT_THAT;
}

static const char *eap_name(int64_t protocol)
{
    return protocol == 0 ? "tls" : protocol == 2 ? "peap" : protocol == 1 ? "ttls" : "none";
}

static char *read_eap(const struct reading *reading, const char *path)
{
    return text_copy(eap_name(json_number_at(reading->state, path)));
}

static char *read_client_certificate(const struct reading *reading, const char *path)
{
    return text_copy(client_certificate(reading, json_at(reading->state, path)));
}

static char *read_root(const struct reading *reading, const char *path)
{
    json_object *certificate = certificate_of(reading, json_at(reading->state, path));

    return text_copy(certificate && json_true_at(certificate, "trusted_root") ? "stored" : NOT_THAT);
}

/* A wireless profile by name: "SSID priority authentication/encryption eap certificate". */
static char *read_network(const struct reading *reading, const char *name)
{
    json_object *profiles = json_at(reading->state, "wifi.profiles");

    if (!json_true_at(reading->state, "wifi.present"))
        return text_copy(ABSENT);
    for (size_t i = 0; profiles && i < json_object_array_length(profiles); i++) {
        json_object *profile = json_object_array_get_idx(profiles, i), *eap = json_at(profile, "eap");

        if (strcmp(json_text_at(profile, "name"), name) != 0)
            continue;
        return text_format("%s,%s/%s,%s", json_text_at(profile, "priority"),
                           json_text_at(profile, "authentication"), json_text_at(profile, "encryption"),
                           !eap ? "psk" : client_certificate(reading, json_at(eap, "client_certificate")));
    }
    return text_copy("none");
}

static char *read_network_count(const struct reading *reading, const char *path)
{
    json_object *profiles = json_at(reading->state, path);

    return json_true_at(reading->state, "wifi.present")
               ? text_format("%zu", json_object_array_length(profiles))
               : text_copy(ABSENT);
}

/* "access:realm,realm" of a user; AMT SDK, AMT_AuthorizationService: 0 local, 1 network, 2 both. */
static char *read_user(const struct reading *reading, const char *user)
{
    json_object *acl = json_at(reading->state, "acl");

    for (size_t i = 0; acl && i < json_object_array_length(acl); i++) {
        json_object *entry = json_object_array_get_idx(acl, i), *realms = json_at(entry, "realms");
        char *value;

        if (strcmp(json_text_at(entry, "user"), user) != 0)
            continue;
        value = text_format("%s", json_text_at(entry, "access"));
        for (size_t k = 0; realms && k < json_object_array_length(realms); k++) {
            char *longer = text_format("%s%c%s", value, k ? ',' : ':',
                                       json_object_get_string(json_object_array_get_idx(realms, k)));

            text_free(&value);
            value = longer;
        }
        return value;
    }
    return text_copy("none");
}

static char *read_power(const struct reading *reading, const char *path)
{
    return text_copy(strstr(json_text_at(reading->state, path), "S3") ? "always" : "s0");
}

/* ---- settings --------------------------------------------------------------------------------------- */

static const struct setting {
    const char *name;
    char *(*read)(const struct reading *reading, const char *path);
    const char *path;
    const char *wanted;
    unsigned first, last; /* AMT releases that have it; 0: no limit */
} settings[] = {
    { "state", read_state, "provisioning_state", "post", 0, 0 },
    { "control mode", read_mode, "control_mode", "admin", 0, 0 },
    { "admin password", read_admin, "", "escrow", 0, 0 },
    { "MEBx password", read_mebx, "mebx_password", "escrow", 0, 0 },
    { "host name", read_host, "general_settings.HostName", "right", 0, 0 },
    { "domain", read_domain, "general_settings.DomainName", "right", 0, 0 },
    { "clock", read_clock, "clock_offset", "right", 0, 0 },
    { "TLS", read_switch, "tls.effective.network.Enabled", "on", 0, 0 },
    { "TLS, mutual", read_switch, "tls.effective.network.MutualAuthentication", "off", 0, 0 },
    { "TLS, plain too", read_switch, "tls.effective.network.AcceptNonSecureConnections", "off", 0, 0 },
    { "TLS certificate", read_server_certificate, "tls.effective.credential_certificate", "ours", 0, 0 },
    { "ping", read_switch, "general_settings.PingResponseEnabled", "on", 0, 0 },
    { "RMCP ping", read_switch, "general_settings.RmcpPingResponseEnabled", "on", FIRST_OF_5_0, 0 },
    { "web interface", read_switch, "web_ui", "on", 0, LAST_WITH_WEB },
    { "serial over LAN", read_switch, "redirection.sol", "on", 0, 0 },
    { "IDE redirection", read_switch, "redirection.ider", "on", 0, 0 },
    { "redirection listener", read_switch, "redirection.ListenerEnabled", "on", 0, 0 },
    { "KVM", read_kvm_switch, "kvm.enabled", "on", FIRST_OF_6_0, 0 },
    { "KVM session, min", read_kvm, "kvm.SessionTimeout", "20", FIRST_OF_6_0, 0 },
    { "KVM consent, s", read_kvm, "kvm.OptInPolicyTimeout", "60", FIRST_OF_6_0, 0 },
    { "user consent", read_consent, "optin.OptInRequired", "all", FIRST_OF_6_0, 0 },
    { "power package", read_power, "power_scheme.description", "always", 0, 0 },
    { "user console", read_user, "console", "1:2,5,13", 0, 0 },
    { "user helpdesk", read_user, "helpdesk", "2:4,19", 0, 0 },
    { "wireless synchr.", read_wireless, "wifi.localProfileSynchronizationEnabled", "1", FIRST_OF_6_0, 0 },
    { "wireless networks", read_network_count, "wifi.profiles", "2", FIRST_OF_6_0, 0 },
    { "wireless office", read_network, "office", "2,6/4,psk", FIRST_OF_6_0, 0 },
    { "wireless corporate", read_network, "corporate", "1,7/4,ours", FIRST_OF_6_0, 0 },
    { "wired 802.1X", read_eap, "wired_8021x.AuthenticationProtocol", "tls", 0, 0 },
    { "wired, certificate", read_client_certificate, "wired_8021x.client_certificate", "ours", 0, 0 },
    { "wired, authority", read_root, "wired_8021x.ca_certificate", "stored", 0, 0 },
    { "wired, PXE s", read_text, "wired_8021x.PxeTimeout", "90", 0, 0 },
    { "wired, in S0", read_switch, "wired_8021x.AvailableInS0", "off", 0, 0 },
};

enum { SETTING_ROWS = COUNT_OF(settings) };

struct column {
    const char *generation;
    char *values[SETTING_ROWS];
};

struct settings_table {
    struct column columns[COLUMNS_MAX];
    size_t count;
};

static const char *wanted_of(const struct setting *setting, const char *generation)
{
    unsigned major = (unsigned)strtoul(generation, NULL, 10);

    return major < setting->first || (setting->last && major > setting->last) ? ABSENT : setting->wanted;
}

static bool differs(const struct column *column, size_t row)
{
    return strcmp(column->values[row], wanted_of(&settings[row], column->generation)) != 0;
}

struct settings_table *settings_table_new(void)
{
    return allocate(sizeof(struct settings_table));
}

void settings_table_free(struct settings_table **owner)
{
    struct settings_table *table = TAKE(*owner);

    for (size_t i = 0; table && i < table->count; i++) {
        for (size_t row = 0; row < SETTING_ROWS; row++)
            text_free(&table->columns[i].values[row]);
    }
    free(table);
}

bool settings_table_add(struct settings_table *table, struct site *site, const struct computer *computer,
                        struct error *err)
{
    AUTO(json_close) json_object *state = NULL;
    struct reading reading = { .site = site, .computer = computer, .err = err };
    struct column *column = &table->columns[table->count];

    if (table->count == COLUMNS_MAX)
        return error_set(err, ERROR_INPUT, "a settings table takes %d computers", COLUMNS_MAX);
    if (!simulator_state(site->simulator, computer->uuid, &state, err))
        return false;
    reading.state = state;
    column->generation = computer->generation;
    table->count++;
    for (size_t row = 0; row < SETTING_ROWS; row++) {
        column->values[row] = settings[row].read(&reading, settings[row].path);
        if (!column->values[row]) {
            column->values[row] = text_copy("unread");
            return error_during(err, "%s of %s", settings[row].name, computer->fqdn);
        }
    }
    return true;
}

size_t settings_table_differences(const struct settings_table *table)
{
    size_t count = 0;

    for (size_t i = 0; i < table->count; i++) {
        for (size_t row = 0; row < SETTING_ROWS; row++)
            count += differs(&table->columns[i], row);
    }
    return count;
}

void settings_table_print(const struct settings_table *table, FILE *out)
{
    fprintf(out, "%-20s %-10s", "setting", "profile");
    for (size_t i = 0; i < table->count; i++)
        fprintf(out, " %10s", table->columns[i].generation);
    fputc('\n', out);
    for (size_t row = 0; row < SETTING_ROWS; row++) {
        fprintf(out, "%-20s %-10s", settings[row].name, settings[row].wanted);
        for (size_t i = 0; i < table->count; i++) {
            AUTO(text_free)
            char *value = text_format("%s%s", differs(&table->columns[i], row) ? "!" : "",
                                      table->columns[i].values[row]);

            fprintf(out, " %10s", value);
        }
        fputc('\n', out);
    }
    fprintf(out,
            "%zu values of %zu differ from the profile (marked with !); \"%s\": this generation has none\n",
            settings_table_differences(table), table->count * SETTING_ROWS, ABSENT);
}
