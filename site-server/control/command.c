#include "command.h"

#include <getopt.h>
#include <string.h>

#include "verbs.h"

struct option_kind {
    const char *name;
    const char *value; /* as shown; NULL: takes none */
    const char *explanation;
};

static const struct option_kind option_kinds[OPTION_COUNT] = {
    [OPTION_DATABASE] = { "database", "URL", "libpq URL or conninfo; default $AMT_DATABASE_URL" },
    [OPTION_KEY_FILE] = { "key-file", "FILE",
                          "secret key file; default $AMT_SECRET_KEY_FILE, else\n"
                          "/etc/amt-site-server/secret.keys" },
    [OPTION_JSON] = { "json", NULL, "print JSON instead of text" },
    [OPTION_HELP] = { "help", NULL, "this text, or that of a command" },
    [OPTION_VERSION] = { "version", NULL, "the version" },
    [OPTION_STATUS] = { "status", "STATUS", "only computers of this status, by name or number" },
    [OPTION_REASON] = { "reason", "CODE", "only those with this reason code" },
    [OPTION_STATE] = { "state", "STATE",
                       "only jobs that are waiting, leased, done, failed, cancelled, or\n"
                       "open (waiting or leased)" },
    [OPTION_PROFILE] = { "profile", "NAME", "only computers with this profile" },
    [OPTION_SEARCH] = { "search", "TEXT", "only those whose UUID, FQDN or address contains the text" },
    [OPTION_LIMIT] = { "limit", "N", "at most N rows" },
    [OPTION_WHY] = { "why", "TEXT", "the reason, kept with the computer" },
    [OPTION_ALL] = { "all", NULL, "every computer" },
    [OPTION_TIMEOUT] = { "timeout", "SECONDS", "give up waiting after so many seconds" },
    [OPTION_PASSWORD_FILE] = { "password-file", "FILE",
                               "read passwords from a file (mode 0600), - is standard input" },
    [OPTION_MEBX_PASSWORD_FILE] = { "mebx-password-file", "FILE",
                                    "read the shared MEBx password from a file (mode 0600)" },
    [OPTION_USER] = { "user", "NAME", "the account's user name; default admin" },
    [OPTION_POSITION] = { "position", "N", "place in the list, from 1; default last" },
    [OPTION_NAME] = { "name", "NAME", "what to call it from now on" },
    [OPTION_SUBNETS] = { "subnets", "LIST",
                         "the only ones that it may serve, as 10.1.2.0/24,10.1.3.0/24; or: any" },
    [OPTION_KEY_ONLY] = { "key-only", NULL, "add the key to the file, seal nothing yet" },
    [OPTION_SUBJECT] = { "subject", "NAME", "common name of the authority" },
    [OPTION_DAYS] = { "days", "N", "lifetime, or how far to look, in days" },
    [OPTION_REPLACE] = { "replace", NULL, "make a new one although there is one" },
    [OPTION_PEM] = { "pem", NULL, "print it in PEM form" },
    [OPTION_CERTIFICATE] = { "certificate", "FILE",
                             "a provisioning certificate file to look at; repeatable" },
    [OPTION_QUEUE_KEY_FILE] = { "queue-key-file", "FILE",
                                "the site server's queue key; default /etc/amt-site-server/curve.key" },
    [OPTION_CONFIG] = { "config", "FILE", "the site server's configuration: looks at its directory" },
    [OPTION_COMPUTER] = { "computer", "UUID|FQDN", "for this computer alone; default any" },
    [OPTION_PROVISION] = { "provision", "on|off|profile", "whether agents begin the setup" },
    [OPTION_ENABLE_AMT] = { "enable-amt", "on|off|profile",
                            "whether agents switch a firmware on that is switched off" },
    [OPTION_FORGET_PASSWORDS] = { "forget-passwords", NULL,
                                  "also computers that may carry passwords of this site" },
};

#define LIST_OPTIONS (OPTION_BIT(OPTION_SEARCH) | OPTION_BIT(OPTION_LIMIT))

const struct command commands[] = {
    { "import", NULL, "FILE", 1, 1, 0, "amt_operator", "bring computers in from a CSV file",
      "Reads the file of the Out of Band Wizard, one computer a line:\n"
      "\n"
      "    short_name,FQDN,SMBIOS_UUID[,MAC[,MEBx_password[,admin_password]]]\n"
      "\n"
      "with the passwords in Base64. A header line, blank lines and lines that begin\n"
      "with # are skipped. FILE may be - for standard input.\n"
      "\n"
      "All or nothing: each bad line is reported with its number and its reason, and\n"
      "if there is one, nothing is imported. A computer that is there already with the\n"
      "same facts is unchanged, which is no error; one whose facts differ is updated.\n"
      "A field that is left out keeps what is known. Each UUID and FQDN may be in the\n"
      "file once.\n"
      "\n"
      "A file with passwords needs the secret key file: passwords are encrypted here,\n"
      "before they are sent to the database.",
      import_file },

    { "computer", "list", "", 0, 0,
      LIST_OPTIONS | OPTION_BIT(OPTION_STATUS) | OPTION_BIT(OPTION_REASON) | OPTION_BIT(OPTION_PROFILE),
      "amt_reader", "computers with status and reason",
      "STATUS is one of unknown, not-supported (0), detected (1), not-provisioned (2),\n"
      "provisioned (3), externally-provisioned (4).",
      computer_list },
    { "computer", "show", "UUID|FQDN", 1, 1, 0, "amt_reader", "everything known about one computer",
      "Shows the computer, which secrets exist for it, its last jobs, and the steps of\n"
      "the last one.",
      computer_show },
    { "computer", "block", "UUID|FQDN...", 1, COMMAND_ARGUMENTS_ANY, OPTION_BIT(OPTION_WHY), "amt_operator",
      "ignore a computer until it is unblocked",
      "Its Hello messages are discarded and no job can be requested for it. A job under\n"
      "way ends first.",
      computer_block },
    { "computer", "unblock", "UUID|FQDN...", 1, COMMAND_ARGUMENTS_ANY, 0, "amt_operator", "end the blocking",
      "", computer_unblock },
    { "computer", "profile", "PROFILE UUID|FQDN...", 2, COMMAND_ARGUMENTS_ANY, 0, "amt_operator",
      "give computers another profile", "Takes effect with the next job of each computer.",
      computer_profile },
    { "computer", "reprovision", "on|off UUID|FQDN...", 2, COMMAND_ARGUMENTS_ANY, 0, "amt_operator",
      "automatic re-provisioning of computers",
      "Whether a computer that is held as provisioned and says Hello again, because its\n"
      "provisioning was removed at the keyboard, is provisioned again by itself.",
      computer_reprovision },
    { "computer", "remove", "UUID|FQDN...", 1, COMMAND_ARGUMENTS_ANY, OPTION_BIT(OPTION_FORGET_PASSWORDS),
      "amt_operator", "forget computers",
      "Their certificates are revoked and their objects removed from the directory. A\n"
      "computer whose firmware may hold a password of this site is kept, unless\n"
      "--forget-passwords says that it was scrapped or sold, or that they are noted\n"
      "elsewhere: nobody can tell them afterwards. Unprovisioning leaves the MEBx\n"
      "password in it.",
      computer_remove },
    { "computer", "in-band", "UUID|FQDN...", 1, COMMAND_ARGUMENTS_ANY, 0, "amt_operator",
      "leave computers to their client agents",
      "They are provisioned by the agent that runs on them; their Hello messages are\n"
      "discarded. A job that waits for a Hello is cancelled. Said again of a computer that\n"
      "was unprovisioned by a job, it may be provisioned again.",
      computer_in_band },
    { "computer", "out-of-band", "UUID|FQDN...", 1, COMMAND_ARGUMENTS_ANY, 0, "amt_operator",
      "provision computers when they say Hello",
      "Their agents are told to leave the firmware alone; a registered one-time password is\n"
      "not used any more.",
      computer_out_of_band },
    { "computer", "policy", "UUID|FQDN...", 1, COMMAND_ARGUMENTS_ANY,
      OPTION_BIT(OPTION_PROVISION) | OPTION_BIT(OPTION_ENABLE_AMT), "amt_operator",
      "what the agents of computers are told",
      "What is not given is as the computer's profile says; see 'amtctl profile in-band'.", computer_policy },
    { "computer", "unbind", "UUID|FQDN...", 1, COMMAND_ARGUMENTS_ANY, 0, "amt_operator",
      "let another agent enrol for computers",
      "After an operating system was installed anew its agent has another key, which is\n"
      "refused until the former one is unbound. The new one needs a token.",
      computer_unbind },
    { "computer", "unknown", "", 0, 0, OPTION_BIT(OPTION_LIMIT), "amt_reader",
      "who says Hello without being imported", "", computer_unknown },

    { "job", "request", "KIND UUID|FQDN...", 1, COMMAND_ARGUMENTS_ANY,
      OPTION_BIT(OPTION_ALL) | OPTION_BIT(OPTION_PROFILE) | OPTION_BIT(OPTION_STATUS), "amt_operator",
      "ask for jobs, picked up at once",
      "KIND is one of\n"
      "\n"
      "    provision              make it ours: names, certificate, passwords, profile\n"
      "    update                 write what differs from import and profile, nothing else\n"
      "    discover               look: AMT version and status; nothing is changed\n"
      "    rotate-passwords       new admin password, and MEBx password where it is random\n"
      "    renew-certificate      new key and certificate; the old ones are deleted\n"
      "    sync-clock             set the clock where it is off\n"
      "    unprovision            remove everything\n"
      "    unprovision-partially  the same, but admin password and names stay\n"
      "\n"
      "A computer that was unprovisioned so stays it until provision is requested.\n"
      "\n"
      "For single computers: prints the job numbers, which 'amtctl job watch NUMBER'\n"
      "follows; all or none are requested. With --all, --profile or --status instead of\n"
      "names: prints how many were requested, how many computers have an open job and were\n"
      "skipped, and how many were left out: blocked, or not in a state for it.",
      job_request },
    { "job", "list", "", 0, 0, LIST_OPTIONS | OPTION_BIT(OPTION_STATE) | OPTION_BIT(OPTION_REASON),
      "amt_reader", "jobs, newest first", "", job_list },
    { "job", "show", "NUMBER", 1, 1, 0, "amt_reader", "a job and every step of every attempt", "", job_show },
    { "job", "cancel", "NUMBER...", 1, COMMAND_ARGUMENTS_ANY, 0, "amt_operator", "cancel jobs",
      "A waiting job ends at once. One that a service point runs ends with its attempt;\n"
      "what that attempt wrote to the firmware is kept in the books.",
      job_cancel },
    { "job", "watch", "[NUMBER...]", 0, COMMAND_ARGUMENTS_ANY, OPTION_BIT(OPTION_TIMEOUT), "amt_reader",
      "wait until jobs have ended",
      "Without numbers: the jobs that are open now. Prints a line for each that ends, and\n"
      "a progress bar on a terminal. Exit status 0 only if all were done.",
      job_watch },

    { "profile", "set", "NAME FILE", 2, 2,
      OPTION_BIT(OPTION_PASSWORD_FILE) | OPTION_BIT(OPTION_MEBX_PASSWORD_FILE), "amt_operator",
      "make or replace a profile",
      "FILE (- is standard input) has lines `key = value`; # begins a comment. A key that\n"
      "is left out gets the first of its values:\n"
      "\n"
      "    ping, web interface, serial over lan,\n"
      "    ide redirection, kvm                    on | off\n"
      "    user consent                            none | kvm | all\n"
      "    power                                   always-on | s0\n"
      "    mebx password                           random | leave | shared\n"
      "    first stage                             auto | eoi | wsman\n"
      "    tls                                     server | mutual\n"
      "    trusted names                           with tls = mutual: NAME, NAME...\n"
      "    user NAME|SID                           [local:|network:|both:] realm, realm...\n"
      "\n"
      "With tls = mutual only clients with a certificate of the site's authority are let in\n"
      "('amtctl ca issue-console'); with trusted names only those whose common name is one\n"
      "of these, at most three, and the service points.\n"
      "\n"
      "A user is a Digest user, or with a SID (S-1-5-...) a user or group of Active\n"
      "Directory; access is from the network unless said otherwise. Users that the file\n"
      "leaves out are removed from the profile. Realms are all, or of\n"
      "\n"
      "    redirection pt-administration hardware-asset remote-control storage\n"
      "    event-manager storage-admin agent-presence-local agent-presence-remote\n"
      "    circuit-breaker network-time general-info firmware-update eit local-un\n"
      "    endpoint-access-control endpoint-access-control-admin event-log-reader\n"
      "    audit-log acl local-system\n"
      "\n"
      "Sections come last. Without [wireless], [wired 802.1x] or [kvm] the firmware keeps\n"
      "what it has of them; [wireless] alone removes all wireless profiles but those of\n"
      "the operating system.\n"
      "\n"
      "    [wireless]\n"
      "    synchronization      leave | off | user | all: profiles of the operating system\n"
      "    [wireless NAME]\n"
      "    ssid                 1 to 32 bytes\n"
      "    priority             1 (highest) to 255, each its own\n"
      "    authentication       wpa2-psk | wpa2-802.1x | wpa3-sae | wpa-psk | wpa-802.1x\n"
      "    encryption           ccmp (default) | tkip | gcmp-256 (with wpa3-sae)\n"
      "    [wired 802.1x]\n"
      "    enabled              on | off\n"
      "    pxe timeout          seconds, 0: the host does 802.1X; default 120\n"
      "    active in s0         on | off\n"
      "    [kvm]\n"
      "    session timeout      minutes; consent timeout: seconds\n"
      "\n"
      "With 802.1X, wireless or wired:\n"
      "\n"
      "    eap                  tls | ttls-mschapv2 | peap-mschapv2\n"
      "    user                 default with tls: the FQDN of the computer\n"
      "    domain, roaming identity\n"
      "    server name          of the RADIUS server's certificate; server name match:\n"
      "                         full | suffix\n"
      "\n"
      "and, as a PEM block in the section, the certificate of the authority that issued\n"
      "the RADIUS server's. With tls the firmware gets a client certificate of this site.\n"
      "\n"
      "The password file has a line NAME:PASSWORD for each Digest user whose password is\n"
      "to be set. A user who has none yet and is not in it gets a random one, which\n"
      "'amtctl profile password' shows. The same goes for a shared MEBx password. For\n"
      "networks NAME is 'wireless NAME' (a passphrase of 8 to 63 characters, or the EAP\n"
      "password) or 'wired 802.1x'; these are never random. Firmware tells none of them\n"
      "back: where nothing but the password changed, rename the wireless profile, so that\n"
      "it is written again.\n"
      "\n"
      "Nothing changes on any computer until its next job.",
      profile_set },
    { "profile", "show", "NAME", 1, 1, 0, "amt_reader", "a profile as a file that 'profile set' reads",
      "Passwords are not in it.", profile_show },
    { "profile", "list", "", 0, 0, 0, "amt_reader", "all profiles", "", profile_list },
    { "profile", "remove", "NAME", 1, 1, 0, "amt_operator", "remove a profile that no computer has", "",
      profile_remove },
    { "profile", "password", "NAME USER|mebx", 2, 2, 0, "amt_secret_reader",
      "print a password of a profile, alone",
      "Needs the secret key file. Who reads it is written to the audit table first.", profile_password },

    { "account", "add", "NAME", 1, 1,
      OPTION_BIT(OPTION_USER) | OPTION_BIT(OPTION_POSITION) | OPTION_BIT(OPTION_PASSWORD_FILE),
      "amt_operator", "add an account to the retry list",
      "Accounts of the retry list are tried, in their order, on firmware that refuses\n"
      "what this system knows about it: after the passwords made for the computer and the\n"
      "imported one, before the factory default. NAME is how the account is called here.\n"
      "\n"
      "The password is asked for on the terminal, or read from standard input or the\n"
      "password file, and encrypted with the secret key file before it is sent.",
      account_add },
    { "account", "list", "", 0, 0, 0, "amt_reader", "the retry list, in order", "", account_list },
    { "account", "remove", "NAME", 1, 1, 0, "amt_operator", "take an account off the retry list", "",
      account_remove },

    { "rollout", "list", "", 0, 0, 0, "amt_reader",
      "how each profile goes to computers, and whether it was halted", "", rollout_list },
    { "rollout", "set", "PROFILE KEY=VALUE...", 2, COMMAND_ARGUMENTS_ANY, 0, "amt_operator",
      "size of the waves of a profile, and when it halts by itself",
      "wave_size=N             computers provisioned or updated at once\n"
      "per_subnet=N            the same in one subnet of subnet_bits=24, subnet_bits_ipv6=64\n"
      "judged_last=N           look back at so many computers that were written to, or\n"
      "                        begun to be; halt when of these there failed:\n"
      "failures=N              so many\n"
      "failures_one_reason=N   so many for one reason\n"
      "lost_contact_counts=on  those count too that stopped answering: for profiles that\n"
      "                        touch networks\n"
      "N may be none where there may be no limit.",
      rollout_set },
    { "rollout", "halt", "PROFILE", 1, 1, OPTION_BIT(OPTION_WHY), "amt_operator",
      "begin no further provision or update of a profile", "What is under way goes on.", rollout_halt },
    { "rollout", "resume", "PROFILE", 1, 1, 0, "amt_operator", "go on with a profile that was halted",
      "Failures so far do not count any more. Mend the profile first: amtctl profile set.", rollout_resume },

    { "profile", "in-band", "NAME [ROOT...]", 1, COMMAND_ARGUMENTS_ANY,
      OPTION_BIT(OPTION_PROVISION) | OPTION_BIT(OPTION_ENABLE_AMT), "amt_operator",
      "what the agents of a profile's computers are told",
      "ROOT is a hash such as SHA-256:HEX, as 'amtctl service-point list --json' shows them:\n"
      "only these count. None: the roots of all service points' certificates.\n"
      "Without --provision it is on, without --enable-amt that is off.",
      profile_in_band },

    { "token", "create", "NAME", 1, 1, OPTION_BIT(OPTION_COMPUTER) | OPTION_BIT(OPTION_DAYS), "amt_operator",
      "make a token with which client agents enrol",
      "Prints the token, alone and this once: the database keeps only a hash of it. Without\n"
      "--computer every computer of the site may enrol with it. Lasts 30 days unless --days\n"
      "says otherwise.",
      token_create },
    { "token", "list", "", 0, 0, 0, "amt_reader", "enrolment tokens, newest first", "", token_list },
    { "token", "revoke", "NAME", 1, 1, 0, "amt_operator", "make a token useless",
      "Agents that enrolled with it stay enrolled; see 'amtctl computer unbind'.", token_revoke },

    { "agent", "list", "", 0, 0, LIST_OPTIONS, "amt_reader", "client agents and what they found", "",
      agent_list },

    { "alarm", "list", "", 0, 0, OPTION_BIT(OPTION_ALL), "amt_reader",
      "who seems to claim to be a computer that he is not", "Those that were acknowledged only with --all.",
      alarm_list },
    { "alarm", "acknowledge", "NUMBER...", 1, COMMAND_ARGUMENTS_ANY, 0, "amt_operator",
      "say that somebody looked at alarms", "The same thing later raises a new one.", alarm_acknowledge },

    { "service-point", "list", "", 0, 0, 0, "amt_reader", "service points, those that wait for approval too",
      "", service_point_list },
    { "service-point", "approve", "KEY|NAME", 1, 1, OPTION_BIT(OPTION_NAME) | OPTION_BIT(OPTION_SUBNETS),
      "amt_administrator", "admit a service point by its public key",
      "The key is what 'amt-service-point --create-key' printed; compare it. It may be\n"
      "approved before the service point first connects. Takes effect at once.",
      service_point_approve },
    { "service-point", "remove", "KEY|NAME", 1, 1, 0, "amt_operator", "shut a service point out, at once", "",
      service_point_remove },

    { "secret", "show", "UUID|FQDN admin|mebx|directory", 2, 2, 0, "amt_secret_reader",
      "print a password of a computer, alone",
      "Prints the active one, or when there is none yet the newest that the firmware may\n"
      "have. Needs the secret key file. Who reads it is written to the audit table first.",
      secret_show },
    { "secret", "init", "[FILE]", 0, 1, 0, NULL, "make the secret key file",
      "FILE defaults to the key file of the other commands. It gets mode 0600 and one\n"
      "random key. Without this file no secret in the database can be read: keep a copy\n"
      "in a safe place. A file that is there is never replaced.",
      secret_init },
    { "secret", "rotate-key", "", 0, 0, OPTION_BIT(OPTION_KEY_ONLY), "amt_secret_reader",
      "encrypt all secrets with a new key",
      "Adds a new key to the key file and encrypts every secret in the database again, in\n"
      "small transactions. It may be interrupted at any time; called again, it goes on\n"
      "where it stopped before it would make another key. Old keys stay in the file.\n"
      "\n"
      "The key file must reach every site server first: with several, use --key-only, copy\n"
      "the file to all of them, then call it again without.",
      secret_rotate_key },

    { "secret", "recover", "JOURNAL...", 1, COMMAND_ARGUMENTS_ANY, 0, "amt_administrator",
      "after the database was restored to an earlier moment: bring the passwords back",
      "Reads the escrow journals of all site servers (secret.journal) and stores what the\n"
      "database does not have: passwords that were made after the moment, which of them the\n"
      "firmware was found to have, and certificates that were issued. Call it before a site\n"
      "server is started again, and with the key file that the journals were sealed with.\n"
      "\n"
      "It also cancels the jobs that were open at that moment, for they may have been done\n"
      "since, numbers everything anew beyond what was handed out, and has the revocation\n"
      "lists made again. It may be called again. Computers that are in a journal and not in\n"
      "the database are named at the end: import them, then call it again.",
      secret_recover },

    { "ca", "init", "", 0, 0,
      OPTION_BIT(OPTION_SUBJECT) | OPTION_BIT(OPTION_DAYS) | OPTION_BIT(OPTION_REPLACE), "amt_administrator",
      "make the site's certificate authority",
      "The authority issues the computers' certificates. Its key is encrypted with the\n"
      "secret key file and kept in the database.",
      ca_init },
    { "ca", "show", "", 0, 0, OPTION_BIT(OPTION_PEM), "amt_reader", "the site's certificate authority", "",
      ca_show },
    { "ca", "crl", "", 0, 0, OPTION_BIT(OPTION_PEM), "amt_reader", "revocation lists, the current one first",
      "The site server makes a list at once when a certificate is revoked, and before the\n"
      "last one ends. --pem prints the current one for 'openssl verify -crl_check'.",
      ca_crl },
    { "ca", "expiry", "", 0, 0, OPTION_BIT(OPTION_DAYS), "amt_reader",
      "certificates and lists that end within --days (default 90)", "", ca_expiry },
    { "ca", "issue-console", "NAME FILE", 2, 2, OPTION_BIT(OPTION_DAYS), "amt_administrator",
      "make a key and client certificate for a person's console",
      "Computers whose profile says `tls = mutual` let in only who has such a certificate;\n"
      "a password or ticket is needed still. FILE gets the private key, the certificate and\n"
      "the authority's, as PEM, with mode 0600. NAME becomes the common name, which a\n"
      "profile's trusted names may ask for. Lasts 365 days unless --days says otherwise.\n"
      "Needs the secret key file; is written to the audit table.",
      ca_issue_console },
    { "ca", "consoles", "", 0, 0, 0, "amt_reader",
      "certificates of consoles and service points, newest first", "", ca_consoles },
    { "ca", "revoke-console", "NAME", 1, 1, 0, "amt_administrator",
      "revoke the certificates of a person's console",
      "They come onto the revocation list, and with each computer's next `update` into the\n"
      "firmware, which fetches no list by itself.",
      ca_revoke_console },

    { "root", "coverage", "", 0, 0, 0, "amt_reader",
      "which of our provisioning roots the computers trust, and until when",
      "From the Hellos of imported computers. The second table says how many computers are\n"
      "stranded, and from which date on, when nothing is renewed.",
      root_coverage },

    { "check", NULL, "", 0, 0,
      OPTION_BIT(OPTION_CERTIFICATE) | OPTION_BIT(OPTION_QUEUE_KEY_FILE) | OPTION_BIT(OPTION_CONFIG), NULL,
      "look for what would keep computers from being provisioned",
      "Looks at the database, its schema, the rights of the user and of all others, the\n"
      "secret key file and the queue's, the certificate authority and its revocations, the\n"
      "service points and their provisioning certificates, which computers' roots and DNS\n"
      "suffixes these match, and the profiles. With --config also at the directory, as the\n"
      "site server's account: each domain controller and its clock, the global catalogue,\n"
      "the container and the right to create objects in it. One line a finding, with the\n"
      "remedy. Exit status 0 only if there\n"
      "is no problem; warnings alone do not count as problems.",
      check_run },
    { "health", NULL, "", 0, 0, 0, NULL, "say whether all is well, from the database alone",
      "For monitoring, and for the first look. Looks at who should be there (site servers,\n"
      "service points), what should go on (jobs, leases, pending passwords, profiles), what\n"
      "ends soon (authority, revocation lists, provisioning certificates, renewals), at alarms,\n"
      "silent agents, and the database itself. One line a finding, with the remedy; the view\n"
      "amt.health holds the same. Exit status 0 only if there is no problem and no warning.",
      health_run },
    { "summary", NULL, "", 0, 0, 0, "amt_reader", "the fleet, the failures, and what waits for a person", "",
      summary_run },
};

const size_t command_count = COUNT_OF(commands);

static bool same_words(const struct command *command, const char *noun, const char *verb)
{
    return strcmp(command->noun, noun) == 0 && (!command->verb || (verb && strcmp(command->verb, verb) == 0));
}

static bool noun_known(const char *noun)
{
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i].noun, noun) == 0)
            return true;
    }
    return false;
}

static bool find_command(struct invocation *invocation, struct error *err)
{
    const char *noun = invocation->argument_count > 0 ? invocation->arguments[0] : NULL;
    const char *verb = invocation->argument_count > 1 ? invocation->arguments[1] : NULL;

    if (!noun)
        return error_set(err, ERROR_INPUT, "no command is given; see 'amtctl --help'");
    for (size_t i = 0; i < command_count; i++) {
        if (same_words(&commands[i], noun, verb)) {
            size_t words = commands[i].verb ? 2 : 1;

            invocation->command = &commands[i];
            invocation->arguments += words;
            invocation->argument_count -= words;
            return true;
        }
    }
    if (!noun_known(noun))
        return error_set(err, ERROR_INPUT, "unknown command '%.40s'; see 'amtctl --help'", noun);
    if (!verb)
        return error_set(err, ERROR_INPUT, "'%s' needs a verb; see 'amtctl %s --help'", noun, noun);
    return error_set(err, ERROR_INPUT, "unknown command '%s %.40s'; see 'amtctl %s --help'", noun, verb,
                     noun);
}

static const char *command_name(const struct command *command, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s", command->noun, command->verb ? " " : "",
             command->verb ? command->verb : "");
    return out;
}

static bool check_invocation(const struct invocation *invocation, struct error *err)
{
    const struct command *command = invocation->command;
    char name[64];

    command_name(command, name, sizeof(name));
    for (unsigned id = OPTION_COMMON_LAST + 1; id < OPTION_COUNT; id++) {
        if (invocation->options[id] && !(command->options & OPTION_BIT(id)))
            return error_set(err, ERROR_INPUT, "'amtctl %s' has no option --%s; see 'amtctl %s --help'", name,
                             option_kinds[id].name, name);
    }
    if (invocation->argument_count < command->arguments_min)
        return error_set(err, ERROR_INPUT, "an argument is missing; write: amtctl %s %s", name,
                         command->arguments);
    if (invocation->argument_count > command->arguments_max)
        return error_set(err, ERROR_INPUT, "too many arguments; write: amtctl %s %s", name,
                         command->arguments);
    return true;
}

static bool take_option(struct invocation *invocation, enum option_id id, const char *value,
                        struct error *err)
{
    invocation->options[id] = value ? value : "";
    if (id != OPTION_CERTIFICATE)
        return true;
    if (invocation->certificate_count == OPTION_REPEAT_MAX)
        return error_set(err, ERROR_INPUT, "--certificate is given more than %d times", OPTION_REPEAT_MAX);
    invocation->certificates[invocation->certificate_count++] = value;
    return true;
}

static bool read_options(int argc, char **argv, struct invocation *invocation, struct error *err)
{
    struct option long_options[OPTION_COUNT + 1] = { 0 };
    int found, index;

    for (int id = 0; id < OPTION_COUNT; id++)
        long_options[id] =
            (struct option){ option_kinds[id].name, option_kinds[id].value ? required_argument : no_argument,
                             NULL, 0 };
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    while ((found = getopt_long(argc, argv, ":h", long_options, &index)) != -1) {
        if (found == ':')
            return error_set(err, ERROR_INPUT, "option %s needs a value; see 'amtctl --help'",
                             argv[optind - 1]);
        if (found == '?')
            return error_set(err, ERROR_INPUT, "unknown option '%.60s'; see 'amtctl --help'",
                             argv[optind - 1]);
        if (!take_option(invocation, found == 'h' ? OPTION_HELP : (enum option_id)index, optarg, err))
            return false;
    }
    invocation->arguments = argv + optind;
    invocation->argument_count = (size_t)(argc - optind);
    return true;
}

enum parsed invocation_parse(int argc, char **argv, struct invocation *invocation, struct error *err)
{
    struct error unknown;

    *invocation = (struct invocation){ 0 };
    if (!read_options(argc, argv, invocation, err))
        return PARSED_WRONG;
    if (invocation->argument_count && strcmp(invocation->arguments[0], "help") == 0) {
        invocation->options[OPTION_HELP] = "";
        invocation->arguments++;
        invocation->argument_count--;
    }
    if (invocation->options[OPTION_VERSION])
        return PARSED_VERSION;
    if (!find_command(invocation, &unknown)) {
        bool known = invocation->argument_count == 0 || noun_known(invocation->arguments[0]);

        if (invocation->options[OPTION_HELP] && known)
            return PARSED_HELP;
        *err = unknown;
        return PARSED_WRONG;
    }
    if (invocation->options[OPTION_HELP])
        return PARSED_HELP;
    return check_invocation(invocation, err) ? PARSED_COMMAND : PARSED_WRONG;
}

static void print_indented(const char *text, const char *indent, FILE *out)
{
    while (*text) {
        size_t length = strcspn(text, "\n");

        fprintf(out, "%s%.*s\n", length ? indent : "", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static void print_options(unsigned first, unsigned last, uint64_t mask, FILE *out)
{
    for (unsigned id = first; id <= last; id++) {
        if (!(mask & OPTION_BIT(id)))
            continue;
        fprintf(out, "    --%s%s%s\n", option_kinds[id].name, option_kinds[id].value ? " " : "",
                option_kinds[id].value ? option_kinds[id].value : "");
        print_indented(option_kinds[id].explanation, "        ", out);
    }
}

static void print_common(FILE *out)
{
    fputs("\nOPTIONS WITH EVERY COMMAND\n", out);
    print_options(0, OPTION_COMMON_LAST, UINT64_MAX, out);
    fputs("\nEXIT STATUS\n"
          "    0  all went well\n"
          "    1  something did not; the message names the thing, the reason and the remedy\n"
          "    2  the command line is wrong\n",
          out);
}

static void print_command_help(const struct command *command, FILE *out)
{
    char name[64];

    command_name(command, name, sizeof(name));
    fprintf(out, "NAME\n    amtctl %s - %s\n\nSYNOPSIS\n    amtctl %s%s%s%s\n", name, command->summary, name,
            command->options ? " [OPTIONS]" : "", *command->arguments ? " " : "", command->arguments);
    if (*command->help || command->role)
        fputs("\nDESCRIPTION\n", out);
    print_indented(command->help, "    ", out);
    if (command->role)
        fprintf(out, "%s    Needs the database role %s.\n", *command->help ? "\n" : "", command->role);
    if (command->options) {
        fputs("\nOPTIONS\n", out);
        print_options(OPTION_COMMON_LAST + 1, OPTION_COUNT - 1, command->options, out);
    }
    print_common(out);
}

static void print_command_list(const char *noun, FILE *out)
{
    for (size_t i = 0; i < command_count; i++) {
        char name[128];
        int length;

        if (noun && strcmp(commands[i].noun, noun) != 0)
            continue;
        command_name(&commands[i], name, sizeof(name));
        length = (int)strlen(name);
        snprintf(name + length, sizeof(name) - (size_t)length, " %s", commands[i].arguments);
        fprintf(out, "    %-46s %s\n", name, commands[i].summary);
    }
}

static void print_general_help(FILE *out)
{
    fputs("NAME\n"
          "    amtctl - operates the provisioning of Intel AMT computers at a site\n"
          "\n"
          "SYNOPSIS\n"
          "    amtctl [OPTIONS] COMMAND [ARGUMENTS]\n"
          "    amtctl COMMAND --help\n"
          "\n"
          "DESCRIPTION\n"
          "    Imports computers, asks for jobs, shows state, and keeps profiles, accounts,\n"
          "    service points, secrets and the certificate authority. All of it goes through the\n"
          "    views and functions of the schema amt, which psql can use as well; the rights are\n"
          "    those of the database roles amt_reader, amt_operator,\n"
          "    amt_secret_reader and amt_administrator.\n"
          "\n"
          "COMMANDS\n",
          out);
    print_command_list(NULL, out);
    print_common(out);
    fputs("\nENVIRONMENT\n"
          "    AMT_DATABASE_URL      where the database is; a password does not belong in it: use\n"
          "                          PGPASSFILE or peer authentication\n"
          "    AMT_SECRET_KEY_FILE   the secret key file\n"
          "\nEXAMPLES\n"
          "    amtctl import computers.csv\n"
          "    amtctl computer list --status detected\n"
          "    amtctl job watch $(amtctl job request update pc1.example.com)\n"
          "    amtctl --json summary\n",
          out);
}

void help_print(const struct invocation *invocation, FILE *out)
{
    if (invocation->command) {
        print_command_help(invocation->command, out);
    } else if (invocation->argument_count) {
        fprintf(out, "COMMANDS\n");
        print_command_list(invocation->arguments[0], out);
        print_common(out);
    } else {
        print_general_help(out);
    }
}
