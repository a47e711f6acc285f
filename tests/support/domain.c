#include "support/domain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "support/certificate_maker.h"
#include "support/process.h"
#include "support/workplace.h"

enum { TOOL_TIMEOUT_MS = 120000, START_TIMEOUT_MS = 180000, WORDS_MAX = 24 };

#define ADMINISTRATOR "Administrator"
#define SCHEMA_COMPUTER                                                                                      \
    "bf967a86-0de6-11d0-a285-00aa003049e2" /* schemaIDGUID of class computer, [MS-ADSC] 2.21 */

/* ---- programs ---- */

static bool run(char **output, const char *input, const char *const *argv, struct error *err)
{
    AUTO(command_result_clear) struct command_result result = { 0 };

    if (!command_run(&result, input, TOOL_TIMEOUT_MS, argv, err))
        return false;
    if (result.exit_status != 0)
        return error_set(err, ERROR_INTERNAL, "%s %s: exit status %d: %.200s", argv[0], argv[1],
                         result.exit_status, result.errors);
    if (output)
        *output = TAKE(result.output);
    return true;
}

static bool tool(const char *config_path, char **output, const char *const *words, struct error *err)
{
    AUTO(text_free) char *config = text_format("--configfile=%s", config_path);
    const char *argv[WORDS_MAX] = { "/usr/bin/samba-tool" };
    size_t count = 1;

    while (words[count - 1] && count + 2 < COUNT_OF(argv)) {
        argv[count] = words[count - 1];
        count++;
    }
    argv[count] = config;
    return run(output, NULL, argv, err) ||
           error_during(err, "samba-tool %s %s", words[0], words[1] ? words[1] : "");
}

bool domain_tool(const struct domain *domain, char **output, struct error *err, const char *word, ...)
{
    const char *words[WORDS_MAX - 3] = { word };
    va_list arguments;

    va_start(arguments, word);
    for (size_t i = 1; i + 1 < COUNT_OF(words) && (words[i] = va_arg(arguments, const char *)); i++)
        continue;
    va_end(arguments);
    return tool(domain->samba_config_path, output, words, err);
}

/* ---- the domain as it is made once ---- */

static bool write_samba_config(const char *directory, const char *address, const char *tls_prefix,
                               struct error *err)
{
    AUTO(text_free) char *path = text_format("%s/smb.conf", directory);
    AUTO(text_free)
    char *content = text_format(
        "[global]\nnetbios name = DC1\nrealm = " DOMAIN_REALM "\nworkgroup = " DOMAIN_NETBIOS "\n"
        "server role = active directory domain controller\nserver services = ldap, cldap, kdc\n"
        "interfaces = %s/8\nbind interfaces only = yes\n"
        "private dir = %s/private\nlock directory = %s/lock\nstate directory = %s/state\n"
        "cache directory = %s/cache\npid directory = %s/run\nbinddns dir = %s/bind-dns\n"
        "ncalrpc dir = %s/run/ncalrpc\nwinbindd socket directory = %s/run/winbindd\n"
        "ntp signd socket directory = %s/run/ntp\nusershare path = %s/usershare\n"
        "logging = file\nlog file = %s/log.samba\nmax log size = 0\nlog level = 1\ndns forwarder =\n"
        "tls keyfile = %s.key\ntls certfile = %s.crt\ntls cafile = %s-root.pem\n",
        address, directory, directory, directory, directory, directory, directory, directory, directory,
        directory, directory, directory, tls_prefix, tls_prefix, tls_prefix);

    return file_write(path, content, 0600, err);
}

static bool provision(const char *directory, struct error *err)
{
    AUTO(text_free) char *target = text_format("--targetdir=%s", directory);

    return run(NULL, NULL,
               (const char *[]){ "/usr/bin/samba-tool", "domain", "provision", target,
                                 "--realm=" DOMAIN_REALM, "--domain=" DOMAIN_NETBIOS, "--server-role=dc",
                                 "--dns-backend=NONE", "--host-name=dc1", "--host-ip=127.0.0.1",
                                 "--adminpass=" DOMAIN_PASSWORD, NULL },
               err);
}

static bool populate(const char *config_path, struct error *err)
{
    static const char *const commands[][8] = {
        { "domain", "passwordsettings", "set", "--min-pwd-age=0", "--max-pwd-age=0", "--history-length=0",
          NULL },
        { "ou", "create", DOMAIN_CONTAINER, NULL },
        { "user", "create", DOMAIN_SITE, DOMAIN_PASSWORD, NULL },
        { "user", "create", DOMAIN_OUTSIDER, DOMAIN_PASSWORD, NULL },
        { "user", "create", "alice", DOMAIN_PASSWORD, NULL },
        { "user", "create", "mallory", DOMAIN_PASSWORD, NULL },
        { "group", "add", DOMAIN_OPERATORS, NULL },
        { "group", "add", DOMAIN_DEVICES, NULL },
        { "group", "addmembers", DOMAIN_OPERATORS, "alice", NULL },
    };

    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (!tool(config_path, NULL, commands[i], err))
            return false;
    }
    return true;
}

static bool find_sid(const char *config_path, const char *account, char **sid, struct error *err)
{
    AUTO(text_free) char *shown = NULL;
    const char *at;

    if (!tool(config_path, &shown,
              (const char *[]){ "user", "show", account, "--attributes=objectSid", NULL }, err))
        return false;
    at = strstr(shown, "objectSid: ");
    if (!at)
        return error_set(err, ERROR_PROTOCOL, "samba-tool shows no SID of %s", account);
    at += strlen("objectSid: ");
    *sid = text_format("%.*s", (int)strcspn(at, "\n"), at);
    return true;
}

/* What README tells an administrator to delegate. */
static bool delegate(const char *config_path, struct error *err)
{
    AUTO(text_free) char *sid = NULL;
    AUTO(text_free) char *container = NULL;
    AUTO(text_free) char *group = NULL;

    if (!find_sid(config_path, DOMAIN_SITE, &sid, err))
        return false;
    container = text_format("--sddl=(OA;CI;CCDC;" SCHEMA_COMPUTER ";;%s)(OA;CIIO;GA;;" SCHEMA_COMPUTER ";%s)",
                            sid, sid);
    group = text_format("--sddl=(A;;RPWP;;;%s)", sid);
    return tool(config_path, NULL,
                (const char *[]){ "dsacl", "set", "--objectdn=" DOMAIN_CONTAINER, container, NULL }, err) &&
           tool(config_path, NULL,
                (const char *[]){ "dsacl", "set", "--objectdn=CN=" DOMAIN_DEVICES ",CN=Users," DOMAIN_BASE,
                                  group, NULL },
                err);
}

static bool export_keytab(const char *config_path, const char *directory, const char *account,
                          struct error *err)
{
    AUTO(text_free) char *path = text_format("%s/%s.keytab", directory, account);
    AUTO(text_free) char *principal = text_format("--principal=%s", account);

    return tool(config_path, NULL, (const char *[]){ "domain", "exportkeytab", path, principal, NULL }, err);
}

static bool make_archive(const char *archive, struct error *err)
{
    AUTO(text_free) char *making = text_format("%s.new", archive);
    AUTO(text_free) char *config_path = text_format("%s/smb.conf", making);

    directory_remove(making);
    if (!provision(making, err) || !write_samba_config(making, "127.0.0.1", "unused", err) ||
        !populate(config_path, err) || !delegate(config_path, err) ||
        !export_keytab(config_path, making, DOMAIN_SITE, err) ||
        !export_keytab(config_path, making, DOMAIN_OUTSIDER, err))
        return error_during(err, "making an Active Directory domain");
    return rename(making, archive) == 0 ||
           error_set(err, ERROR_INTERNAL, "cannot rename %s: %s", making, strerror(errno));
}

/* Several tests want it at once after a build; one makes it. */
static bool want_archive(const char *archive, struct error *err)
{
    AUTO(text_free) char *lock_path = text_format("%s.lock", archive);
    int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool made;

    if (lock < 0 || flock(lock, LOCK_EX) != 0) {
        if (lock >= 0)
            close(lock);
        return error_set(err, ERROR_INTERNAL, "cannot lock %s: %s", lock_path, strerror(errno));
    }
    made = access(archive, F_OK) == 0 || make_archive(archive, err);
    close(lock);
    return made;
}

/* ---- one copy of it ---- */

static bool write_client_file(struct domain *domain, struct error *err)
{
    AUTO(text_free)
    char *krb5 = text_format(
        "[libdefaults]\ndefault_realm = " DOMAIN_REALM "\ndns_lookup_kdc = false\n"
        "dns_lookup_realm = false\nallow_rc4 = true\ndns_canonicalize_hostname = false\nrdns = false\n"
        "default_ccache_name = FILE:%s/ccache\n"
        "[realms]\n" DOMAIN_REALM " = {\nkdc = %s\nkpasswd_server = %s\nadmin_server = %s\n}\n"
        "[domain_realm]\n." DOMAIN_DNS " = " DOMAIN_REALM "\n" DOMAIN_DNS " = " DOMAIN_REALM "\n",
        domain->directory, domain->address, domain->address, domain->address);

    return file_write(domain->krb5_config_path, krb5, 0644, err);
}

static bool copy_archive(const char *archive, const struct domain *domain, struct error *err)
{
    return run(NULL, NULL,
               (const char *[]){ "/bin/cp", "--recursive", "--preserve=mode", "--sparse=always",
                                 "--no-target-directory", archive, domain->directory, NULL },
               err);
}

/* The ticket for LDAP is for the address, because there is no DNS to find the controller's name in. */
static bool name_address(const struct domain *domain, struct error *err)
{
    AUTO(text_free) char *principal = text_format("ldap/%s", domain->address);

    return domain_tool(domain, NULL, err, "spn", "add", principal, "DC1$", NULL);
}

static void name_settings(struct domain *domain)
{
    domain->settings[0] = text_format("directory.servers = ldap://%s", domain->address);
    domain->settings[1] = text_format("directory.ca_file = %s", domain->authority_path);
    domain->settings[2] = text_format("directory.keytab = %s", domain->site_keytab);
    domain->settings[3] = text_copy("directory.container = " DOMAIN_CONTAINER);
    domain->settings[4] = text_copy("directory.group = CN=" DOMAIN_DEVICES ",CN=Users," DOMAIN_BASE);
}

static bool prepare(struct domain *domain, const char *archive, struct error *err)
{
    AUTO(text_free) char *tls = text_format("%s/controller", domain->directory);

    return want_archive(archive, err) && copy_archive(archive, domain, err) &&
           certificate_make_server(tls, DOMAIN_CONTROLLER, domain->address, err) &&
           write_samba_config(domain->directory, domain->address, tls, err) &&
           write_client_file(domain, err) && name_address(domain, err);
}

static bool answers(const char *address, uint16_t port)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = inet_pton(AF_INET, address, &name.sin_addr) == 1 &&
                     connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0;

    close(fd);
    return connected;
}

/* Samba says nowhere that it is ready; the last port that it opens is the one for passwords. */
static bool wait_until_ready(struct domain *domain, struct error *err)
{
    int64_t end_ms = clock_monotonic_ms() + START_TIMEOUT_MS;

    while (!answers(domain->address, 464) || !answers(domain->address, 636)) {
        if (interrupted() || !process_running(domain->server) || clock_monotonic_ms() > end_ms)
            return error_set(err, ERROR_INTERNAL, "the domain controller does not answer at %s; see %s",
                             domain->address, process_log(domain->server));
        wait_a_little(20);
    }
    return true;
}

bool domain_resume(struct domain *domain, struct error *err)
{
    AUTO(text_free) char *log = text_format("%s/log", domain->directory);
    AUTO(text_free) char *config = text_format("--configfile=%s", domain->samba_config_path);

    return process_start(&domain->server, log,
                         (const char *[]){ "/usr/sbin/samba", "--foreground", "--no-process-group",
                                           "--debug-stdout", "--model=single", config, NULL },
                         err) &&
           wait_until_ready(domain, err);
}

void domain_halt(struct domain *domain)
{
    process_kill(&domain->server);
}

bool domain_start(struct domain **domain, const char *archive, const char *directory, unsigned block,
                  struct error *err)
{
    AUTO(domain_stop) struct domain *starting = allocate(sizeof(*starting));

    if (geteuid() != 0)
        return error_set(err, ERROR_INTERNAL, "a domain controller needs ports below 1024: run this as root");
    starting->directory = text_copy(directory);
    starting->address = text_format("127.%u.0.200", block);
    starting->authority_path = text_format("%s/controller-root.pem", directory);
    starting->site_keytab = text_format("%s/" DOMAIN_SITE ".keytab", directory);
    starting->outsider_keytab = text_format("%s/" DOMAIN_OUTSIDER ".keytab", directory);
    starting->krb5_config_path = text_format("%s/krb5.conf", directory);
    starting->samba_config_path = text_format("%s/smb.conf", directory);
    name_settings(starting);
    if (!prepare(starting, archive, err) || !domain_resume(starting, err))
        return error_during(err, "Active Directory domain in %s", directory);
    setenv("KRB5_CONFIG", starting->krb5_config_path, 1);
    *domain = TAKE(starting);
    return true;
}

/* We are OUTPUT/tests/... */
static char *build_path(const char *name)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *tests = NULL;

    path[length > 0 ? length : 0] = '\0';
    for (char *at = path; (at = strstr(at, "/tests/")); at++)
        tests = at;
    if (tests)
        *tests = '\0';
    return text_format("%s/%s", path, name);
}

bool domain_start_beside(struct domain **domain, const char *name, struct error *err)
{
    AUTO(text_free) char *directory = build_path(name);
    AUTO(text_free) char *archive = build_path("domain");
    AUTO(text_free) char *copy = NULL;
    struct workplace place;

    if (!workplace_open(&place, directory, false, err))
        return false;
    copy = workplace_path(&place, "files");
    if (!domain_start(domain, archive, copy, place.block, err)) {
        workplace_close(&place);
        return false;
    }
    (*domain)->place = place;
    return true;
}

void domain_stop(struct domain **domain)
{
    struct domain *stopping = TAKE(*domain);

    if (!stopping)
        return;
    if (stopping->place.directory)
        workplace_close(&stopping->place);
    process_kill(&stopping->server); /* SIGTERM ends it no better: its database is in order at every moment */
    text_free(&stopping->directory);
    text_free(&stopping->address);
    text_free(&stopping->authority_path);
    text_free(&stopping->site_keytab);
    text_free(&stopping->outsider_keytab);
    text_free(&stopping->krb5_config_path);
    text_free(&stopping->samba_config_path);
    for (size_t i = 0; i + 1 < COUNT_OF(stopping->settings); i++)
        text_free(&stopping->settings[i]);
    free(stopping);
}

/* ---- the administrator and the users ---- */

bool domain_search(const struct domain *domain, char **found, const char *filter, const char *attributes,
                   struct error *err)
{
    AUTO(text_free) char *url = text_format("ldaps://%s", domain->address);
    AUTO(text_free) char *authority = text_format("LDAPTLS_CACERT=%s", domain->authority_path);
    AUTO(text_free) char *words = text_copy(attributes);
    const char *argv[WORDS_MAX] = { "/usr/bin/env",
                                    authority,
                                    "ldapsearch",
                                    "-LLL",
                                    "-x",
                                    "-o",
                                    "ldif-wrap=no",
                                    "-H",
                                    url,
                                    "-D",
                                    ADMINISTRATOR "@" DOMAIN_DNS,
                                    "-w",
                                    DOMAIN_PASSWORD,
                                    "-E",
                                    "!domainScope",
                                    "-b",
                                    DOMAIN_BASE,
                                    filter };
    size_t count = 0;
    char *rest = NULL;

    while (argv[count])
        count++;
    for (char *word = strtok_r(words, " ", &rest); word && count + 1 < COUNT_OF(argv);
         word = strtok_r(NULL, " ", &rest))
        argv[count++] = word;
    return run(found, NULL, argv, err) || error_during(err, "searching %s", filter);
}

bool domain_modify(const struct domain *domain, const char *ldif, struct error *err)
{
    AUTO(text_free) char *url = text_format("ldaps://%s", domain->address);
    AUTO(text_free) char *authority = text_format("LDAPTLS_CACERT=%s", domain->authority_path);

    return run(NULL, ldif,
               (const char *[]){ "/usr/bin/env", authority, "ldapmodify", "-x", "-H", url, "-D",
                                 ADMINISTRATOR "@" DOMAIN_DNS, "-w", DOMAIN_PASSWORD, NULL },
               err);
}

bool domain_login(const struct domain *domain, const char *user, const char *cache_path, struct error *err)
{
    AUTO(text_free) char *config = text_format("KRB5_CONFIG=%s", domain->krb5_config_path);
    AUTO(text_free) char *principal = text_format("%s@" DOMAIN_REALM, user);

    return run(NULL, DOMAIN_PASSWORD "\n",
               (const char *[]){ "/usr/bin/env", config, "kinit", "-c", cache_path, principal, NULL }, err);
}
