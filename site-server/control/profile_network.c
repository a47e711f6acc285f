#include "profile_network.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "certificates/authority.h"

#define WORDS_MAX        6
#define NAME_MAX_BYTES   32
#define TRUSTED_ROOT_MAX 4100 /* AMT SDK: AddTrustedRootCertificate */
#define PEM_MAX_BYTES    8192
#define PEM_BEGIN        "-----BEGIN CERTIFICATE-----"
#define PEM_END          "-----END CERTIFICATE-----"

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_WORD, VALUE_SWITCH };

struct network_key {
    const char *key, *name; /* of the file, of SQL */
    enum value_kind kind;
    unsigned least, most;         /* of a number, or the length of a text in bytes */
    const char *words[WORDS_MAX]; /* ended by NULL */
};

#define TEXT(key, name, most)                                                                                \
    {                                                                                                        \
        key, name, VALUE_TEXT, 1, most,                                                                      \
        {                                                                                                    \
            NULL                                                                                             \
        }                                                                                                    \
    }
#define NUMBER(key, name, least, most)                                                                       \
    {                                                                                                        \
        key, name, VALUE_NUMBER, least, most,                                                                \
        {                                                                                                    \
            NULL                                                                                             \
        }                                                                                                    \
    }
#define WORD(key, name, ...)                                                                                 \
    {                                                                                                        \
        key, name, VALUE_WORD, 0, 0,                                                                         \
        {                                                                                                    \
            __VA_ARGS__, NULL                                                                                \
        }                                                                                                    \
    }
#define SWITCH(key, name)                                                                                    \
    {                                                                                                        \
        key, name, VALUE_SWITCH, 0, 0,                                                                       \
        {                                                                                                    \
            "on", "off", NULL                                                                                \
        }                                                                                                    \
    }
#define NO_KEY                                                                                               \
    {                                                                                                        \
        NULL, NULL, VALUE_TEXT, 0, 0,                                                                        \
        {                                                                                                    \
            NULL                                                                                             \
        }                                                                                                    \
    }
#define EAP_KEYS                                                                                             \
    WORD("eap", "eap", "tls", "ttls-mschapv2", "peap-mschapv2"), TEXT("user", "username", 128),              \
        TEXT("domain", "domain", 128), TEXT("roaming identity", "roaming_identity", 128),                    \
        TEXT("server name", "server_name", 253),                                                             \
        WORD("server name match", "server_name_match", "full", "suffix")

static const struct network_key wireless_keys[] = {
    WORD("synchronization", "wireless_synchronization", "leave", "off", "user", "all"), NO_KEY
};
static const struct network_key profile_keys[] = {
    TEXT("ssid", "ssid", 32),
    NUMBER("priority", "priority", 1, 255),
    WORD("authentication", "authentication", "wpa2-psk", "wpa2-802.1x", "wpa3-sae", "wpa-psk", "wpa-802.1x"),
    WORD("encryption", "encryption", "ccmp", "tkip", "gcmp-256"),
    EAP_KEYS,
    NO_KEY,
};
static const struct network_key wired_keys[] = {
    SWITCH("enabled", "enabled"),           EAP_KEYS, NUMBER("pxe timeout", "pxe_timeout_s", 0, 86400),
    SWITCH("active in s0", "active_in_s0"), NO_KEY,
};
static const struct network_key kvm_keys[] = {
    NUMBER("session timeout", "kvm_session_timeout_min", 1, 255),
    NUMBER("consent timeout", "kvm_consent_timeout_s", 10, 65535),
    NO_KEY,
};

static const struct {
    const char *title; /* between the brackets */
    const char *explanation;
    const struct network_key *keys;
} kinds[NETWORK_KINDS] = {
    [NETWORK_WIRELESS] = { "wireless",
                           "the firmware has exactly these wireless profiles; those of the operating system "
                           "come as synchronization says",
                           wireless_keys },
    [NETWORK_WIRELESS_PROFILE] = { "wireless", NULL, profile_keys },
    [NETWORK_WIRED] = { "wired 802.1x", "port authentication of the wired network; pxe timeout in seconds",
                        wired_keys },
    [NETWORK_KVM] = { "kvm", "session timeout in minutes, consent timeout in seconds", kvm_keys },
};

void profile_network_clear(struct profile_network *network)
{
    for (size_t i = 0; i < network->count; i++) {
        free(network->sections[i].name);
        for (size_t k = 0; k < NETWORK_KEYS_MAX; k++)
            free(network->sections[i].values[k]);
        bytes_free(&network->sections[i].trusted_root);
    }
    free(network->pem);
    memset(network, 0, sizeof(*network));
}

const struct network_section *profile_network_find(const struct profile_network *network,
                                                   enum network_kind kind, const char *name)
{
    for (size_t i = 0; i < network->count; i++) {
        const struct network_section *section = &network->sections[i];

        if (section->kind == kind && (!name || strcmp(section->name, name) == 0))
            return section;
    }
    return NULL;
}

struct network_section *profile_network_add(struct profile_network *network, enum network_kind kind,
                                            const char *name)
{
    struct network_section *section = &network->sections[network->count];

    if (network->count == NETWORK_SECTIONS_MAX)
        return NULL;
    section->kind = kind;
    section->name = text_copy(name);
    network->count++;
    return section;
}

/* ---- reading ---------------------------------------------------------------------------------------- */

static bool name_valid(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > NAME_MAX_BYTES || !isalnum((unsigned char)*name))
        return false;
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name) && !strchr(" ._-", *name))
            return false;
    }
    return true;
}

static bool begin_profile(struct profile_network *network, const char *name, struct error *err)
{
    name += strspn(name, " \t");
    if (!name_valid(name))
        return error_set(err, ERROR_INPUT,
                         "a wireless profile cannot be called '%.40s'; use 1 to %d letters, digits, spaces "
                         "and . _ -",
                         name, NAME_MAX_BYTES);
    if (profile_network_find(network, NETWORK_WIRELESS_PROFILE, name))
        return error_set(err, ERROR_INPUT, "wireless profile '%s' is there twice", name);
    if (!profile_network_add(network, NETWORK_WIRELESS_PROFILE, name))
        return error_set(err, ERROR_INPUT, "more than %d wireless profiles; AMT holds no more",
                         WIRELESS_PROFILES_MAX);
    return true;
}

static bool begin(struct profile_network *network, char *line, struct error *err)
{
    size_t length = strlen(line);
    char *title = line + 1;

    if (line[length - 1] != ']')
        return error_set(err, ERROR_INPUT, "'%.40s' has no ']'", line);
    line[length - 1] = '\0';
    if (strncasecmp(title, "wireless ", 9) == 0)
        return begin_profile(network, title + 9, err);
    for (unsigned kind = 0; kind < NETWORK_KINDS; kind++) {
        if (kind == NETWORK_WIRELESS_PROFILE || strcasecmp(title, kinds[kind].title) != 0)
            continue;
        if (profile_network_find(network, (enum network_kind)kind, NULL))
            return error_set(err, ERROR_INPUT, "section [%s] is there twice", kinds[kind].title);
        if (profile_network_add(network, (enum network_kind)kind, NULL))
            return true;
        break;
    }
    return error_set(err, ERROR_INPUT,
                     "unknown section [%.40s]; there are [wireless], [wireless NAME], [wired 802.1x], [kvm]",
                     title);
}

static bool word_valid(const struct network_key *key, const char *value, struct error *err)
{
    char words[160] = "", *at = words;

    for (size_t i = 0; key->words[i]; i++) {
        if (strcmp(value, key->words[i]) == 0)
            return true;
        at = stpcpy(stpcpy(at, i ? ", " : ""), key->words[i]);
    }
    return error_set(err, ERROR_INPUT, "%s: '%.40s' is not one of %s", key->key, value, words);
}

static bool value_valid(const struct network_key *key, const char *value, struct error *err)
{
    size_t length = strlen(value);
    char *end;
    unsigned long number;

    switch (key->kind) {
    case VALUE_TEXT:
        if (length >= key->least && length <= key->most)
            return true;
        return error_set(err, ERROR_INPUT, "%s: %zu bytes; it has 1 to %u", key->key, length, key->most);
    case VALUE_NUMBER:
        number = strtoul(value, &end, 10);
        if (isdigit((unsigned char)*value) && *end == '\0' && number >= key->least && number <= key->most)
            return true;
        return error_set(err, ERROR_INPUT, "%s: '%.40s' is no number from %u to %u", key->key, value,
                         key->least, key->most);
    default:
        return word_valid(key, value, err);
    }
}

static bool read_value(struct network_section *section, char *line, struct error *err)
{
    const struct network_key *keys = kinds[section->kind].keys;
    char *equals = strchr(line, '='), *key, *value;

    if (!equals)
        return error_set(err, ERROR_INPUT, "'%.40s' has no '='; write key = value", line);
    *equals = '\0';
    key = text_trim(line);
    value = text_trim(equals + 1);
    for (size_t i = 0; keys[i].key; i++) {
        if (strcasecmp(key, keys[i].key) != 0)
            continue;
        if (section->values[i])
            return error_set(err, ERROR_INPUT, "'%s' is there twice in this section", keys[i].key);
        if (!value_valid(&keys[i], value, err))
            return false;
        section->values[i] = text_copy(value);
        return true;
    }
    return error_set(err, ERROR_INPUT, "a section [%s%s] has no setting '%.40s'", kinds[section->kind].title,
                     section->kind == NETWORK_WIRELESS_PROFILE ? " NAME" : "", key);
}

static void certificate_free(X509 **certificate)
{
    X509_free(*certificate);
    ERR_clear_error();
}

static bool read_root(struct network_section *section, const char *pem, struct error *err)
{
    BIO *memory = BIO_new_mem_buf(pem, -1);
    AUTO(certificate_free) X509 *certificate = PEM_read_bio_X509(memory, NULL, NULL, NULL);
    unsigned char *der = NULL;
    int length;

    BIO_free(memory);
    if (!certificate)
        return error_set(err, ERROR_INPUT,
                         "the trusted root cannot be read: it is no certificate in PEM form");
    if (!X509_check_ca(certificate))
        return error_set(err, ERROR_INPUT,
                         "the trusted root is no certificate of an authority; give the one that issued the "
                         "RADIUS server's certificate");
    length = i2d_X509(certificate, &der);
    if (length > 0 && length <= TRUSTED_ROOT_MAX)
        bytes_set(&section->trusted_root, der, (size_t)length);
    OPENSSL_free(der);
    return section->trusted_root.length > 0 ||
           error_set(err, ERROR_INPUT, "the trusted root has %d bytes; AMT takes %d", length,
                     TRUSTED_ROOT_MAX);
}

static bool takes_root(const struct network_section *section)
{
    return section->kind == NETWORK_WIRELESS_PROFILE || section->kind == NETWORK_WIRED;
}

static bool pem_line(struct profile_network *network, const char *line, struct error *err)
{
    struct network_section *section = &network->sections[network->count - 1];
    AUTO(text_free) char *former = network->pem;

    network->pem = NULL;
    if (!takes_root(section) || section->trusted_root.length)
        return error_set(err, ERROR_INPUT,
                         "a certificate does not belong here, or is the second of its section");
    network->pem = text_format("%s%s\n", former ? former : "", line);
    if (strlen(network->pem) > PEM_MAX_BYTES)
        return error_set(err, ERROR_INPUT, "the trusted root does not end within %d bytes", PEM_MAX_BYTES);
    if (strcmp(line, PEM_END) != 0)
        return true;
    AUTO(text_free) char *whole = TAKE(network->pem);

    return read_root(section, whole, err);
}

bool profile_network_takes(const struct profile_network *network, const char *line)
{
    return network->count > 0 || *line == '[';
}

bool profile_network_line(struct profile_network *network, char *line, struct error *err)
{
    if (network->pem || (network->count && strcmp(line, PEM_BEGIN) == 0))
        return pem_line(network, line, err);
    if (*line == '\0' || *line == '#')
        return true;
    if (*line == '[')
        return begin(network, line, err);
    return read_value(&network->sections[network->count - 1], line, err);
}

bool profile_network_end(const struct profile_network *network, struct error *err)
{
    return !network->pem || error_set(err, ERROR_INPUT, "the last certificate has no line '" PEM_END "'");
}

/* ---- printing --------------------------------------------------------------------------------------- */

static void print_section(const struct network_section *section, FILE *out)
{
    const struct network_key *keys = kinds[section->kind].keys;

    if (kinds[section->kind].explanation)
        fprintf(out, "\n# %s", kinds[section->kind].explanation);
    fprintf(out, "\n[%s%s%s]\n", kinds[section->kind].title, section->name ? " " : "",
            section->name ? section->name : "");
    for (size_t i = 0; keys[i].key; i++) {
        if (section->values[i])
            fprintf(out, "%s = %s\n", keys[i].key, section->values[i]);
    }
    if (section->trusted_root.length) {
        AUTO(text_free) char *pem = authority_pem("CERTIFICATE", &section->trusted_root);

        fputs(pem, out);
    }
}

void profile_network_print(const struct profile_network *network, FILE *out)
{
    for (size_t i = 0; i < network->count; i++)
        print_section(&network->sections[i], out);
}

/* ---- passwords -------------------------------------------------------------------------------------- */

char *network_section_title(const struct network_section *section)
{
    return section->name ? text_format("%s %s", kinds[section->kind].title, section->name)
                         : text_copy(kinds[section->kind].title);
}

static const char *value_of(const struct network_section *section, const char *name)
{
    const struct network_key *keys = kinds[section->kind].keys;

    for (size_t i = 0; keys[i].key; i++) {
        if (strcmp(keys[i].name, name) == 0)
            return section->values[i] ? section->values[i] : "";
    }
    return "";
}

static bool has_password(const struct network_section *section)
{
    return takes_root(section) && strcmp(value_of(section, "eap"), "tls") != 0 &&
           strcmp(value_of(section, "enabled"), "off") != 0;
}

const struct network_section *profile_network_of_title(const struct profile_network *network,
                                                       const char *title, size_t length)
{
    for (size_t i = 0; i < network->count; i++) {
        AUTO(text_free) char *own = network_section_title(&network->sections[i]);

        if (has_password(&network->sections[i]) && strlen(own) == length && memcmp(own, title, length) == 0)
            return &network->sections[i];
    }
    return NULL;
}

bool network_password_check(const struct network_section *section, const struct secret *password,
                            struct error *err)
{
    bool eap = *value_of(section, "eap") != '\0';
    size_t length = secret_length(password), least = eap ? 1 : 8, most = eap ? 32 : 63;

    if (length < least || length > most)
        return error_set(err, ERROR_INPUT, "the %s has %zu characters; it must have %zu to %zu",
                         eap ? "password" : "passphrase", length, least, most);
    for (const char *at = secret_reveal(password); *at; at++) {
        if (*at < 32 || *at > 126)
            return error_set(err, ERROR_INPUT, "the %s has a character that is not printable ASCII",
                             eap ? "password" : "passphrase");
    }
    return true;
}

/* ---- SQL's form ------------------------------------------------------------------------------------- */

bool network_key_at(enum network_kind kind, size_t index, const char **name)
{
    *name = kinds[kind].keys[index].name;
    return *name != NULL;
}

char *network_value_to_sql(const struct network_section *section, size_t index)
{
    const char *value = section->values[index];

    if (value && kinds[section->kind].keys[index].kind == VALUE_SWITCH)
        value = strcmp(value, "on") == 0 ? "true" : "false";
    return text_copy(value);
}

void network_value_from_sql(struct network_section *section, size_t index, const char *value)
{
    if (value && kinds[section->kind].keys[index].kind == VALUE_SWITCH)
        value = strcmp(value, "true") == 0 ? "on" : "off";
    text_set(&section->values[index], value);
}
