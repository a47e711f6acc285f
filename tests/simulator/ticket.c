#include "ticket.h"

#include <krb5.h>
#include <profile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MASTER_KEY = 16, LOGON_INFORMATION = 1 /* PAC_INFO_BUFFER.ulType: MS-PAC 2.4 */ };

static const krb5_enctype derived[] = { ENCTYPE_AES256_CTS_HMAC_SHA1_96, ENCTYPE_AES128_CTS_HMAC_SHA1_96,
                                        ENCTYPE_ARCFOUR_HMAC };

/* All that libkrb5 holds for one ticket; release_work() ends what is there. */
struct work {
    krb5_context context;
    krb5_keytab keytab;
    krb5_keyblock key;  /* the firmware's, of the ticket's kind */
    krb5_ticket *named; /* the ticket as it came: server, kind of key */
    krb5_auth_context exchange;
    krb5_ticket *ticket; /* decrypted */
};

/* ---- the library's configuration ---- */

/* What would stand in krb5.conf, [libdefaults]. */
struct defaults {
    char *clockskew; /* seconds */
    const char *encryptions;
};

static const char *default_of(const struct defaults *defaults, const char *name)
{
    if (!strcmp(name, "clockskew"))
        return defaults->clockskew;
    if (!strcmp(name, "permitted_enctypes"))
        return defaults->encryptions;
    if (!strcmp(name, "allow_rc4"))
        return "true"; /* libkrb5 1.21 and later ask for it */
    if (!strcmp(name, "default_rcache_name"))
        return "none:"; /* the computer remembers tickets itself */
    return NULL;
}

static long get_values(void *context, const char *const *names, char ***values)
{
    const char *value = NULL;

    if (names[0] && names[1] && !names[2] && !strcmp(names[0], "libdefaults"))
        value = default_of(context, names[1]);
    if (!value)
        return PROF_NO_RELATION;
    *values = allocate(2 * sizeof(**values));
    (*values)[0] = duplicate(value);
    return 0;
}

static void free_values(void *context, char **values)
{
    (void)context;
    for (char **value = values; *value; value++)
        free(*value);
    free(values);
}

static krb5_error_code make_context(const struct ticket_settings *settings, struct defaults *defaults,
                                    krb5_context *context)
{
    struct profile_vtable source = { .minor_ver = 1, .get_values = get_values, .free_values = free_values };
    profile_t profile = NULL;
    krb5_error_code code = (krb5_error_code)profile_init_vtable(&source, defaults, &profile);

    if (code)
        return code;
    code = krb5_init_context_profile(profile, KRB5_INIT_CONTEXT_SECURE, context);
    profile_release(profile);
    return code ? code : krb5_set_real_time(*context, (krb5_timestamp)settings->now, 0);
}

/* ---- keys ---- */

static krb5_data data_of(const void *bytes, size_t length)
{
    return (krb5_data){ .data = (char *)bytes, .length = (unsigned)length };
}

static bool library_failed(struct work *work, krb5_error_code code, const char *what, struct error *err)
{
    const char *words = krb5_get_error_message(work->context, code);

    error_set(err, "%s: %s", what, words);
    krb5_free_error_message(work->context, words);
    return false;
}

static krb5_error_code take_master_key(struct work *work, const unsigned char *master_key)
{
    const krb5_keyblock given = { .enctype = ENCTYPE_ARCFOUR_HMAC,
                                  .length = MASTER_KEY,
                                  .contents = (krb5_octet *)master_key };

    return krb5_copy_keyblock_contents(work->context, &given, &work->key);
}

/* RFC 3962 4: the rounds are four octets, most significant first; RC4 knows neither rounds nor salt. */
static krb5_error_code derive_key(struct work *work, const struct ticket_settings *settings,
                                  krb5_enctype encryption)
{
    const unsigned char rounds[] = { (unsigned char)(settings->iterations >> 24),
                                     (unsigned char)(settings->iterations >> 16),
                                     (unsigned char)(settings->iterations >> 8),
                                     (unsigned char)settings->iterations };
    const krb5_data passphrase = data_of(settings->passphrase, strlen(settings->passphrase)),
                    salt = data_of(settings->salt, strlen(settings->salt)),
                    parameters = data_of(rounds, sizeof(rounds));

    return krb5_c_string_to_key_with_params(work->context, encryption, &passphrase, &salt,
                                            encryption == ENCTYPE_ARCFOUR_HMAC ? NULL : &parameters,
                                            &work->key);
}

static bool has_key(const struct ticket_settings *settings, krb5_enctype encryption)
{
    if (settings->master_key)
        return encryption == ENCTYPE_ARCFOUR_HMAC;
    for (size_t i = 0; i < LENGTH(derived); i++)
        if (derived[i] == encryption)
            return true;
    return false;
}

static bool find_key(struct work *work, const struct ticket_settings *settings, struct ticket_holder *holder,
                     struct error *err)
{
    const krb5_enctype encryption = work->named->enc_part.enctype;
    krb5_error_code code;

    if (krb5_enctype_to_name(encryption, false, holder->encryption, sizeof(holder->encryption)))
        snprintf(holder->encryption, sizeof(holder->encryption), "encryption %d", encryption);
    if (!has_key(settings, encryption))
        return error_set(err, "the firmware has no key for a ticket in %s", holder->encryption);
    code = settings->master_key ? take_master_key(work, settings->master_key)
                                : derive_key(work, settings, encryption);
    return !code || library_failed(work, code, "key of the account", err);
}

/* ---- names ---- */

static bool service_known(const struct ticket_settings *settings, const char *name)
{
    for (unsigned i = 0; i < settings->service_count; i++)
        if (!strcasecmp(settings->services[i], name))
            return true;
    return !settings->services;
}

/* How the realm is compared is not published; KDCs write it in upper case [inferred: as it stands]. */
static bool check_server(struct work *work, const struct ticket_settings *settings, struct error *err)
{
    const krb5_data *realm = &work->named->server->realm;
    char *name = NULL;
    krb5_error_code code =
        krb5_unparse_name_flags(work->context, work->named->server, KRB5_PRINCIPAL_UNPARSE_NO_REALM, &name);
    bool known;

    if (code)
        return library_failed(work, code, "name of the service", err);
    known = service_known(settings, name) ||
            error_set(err, "the ticket is for %.100s, which is no service name of this computer", name);
    krb5_free_unparsed_name(work->context, name);
    if (!known)
        return false;
    if (realm->length != strlen(settings->realm) || memcmp(realm->data, settings->realm, realm->length))
        return error_set(err, "the ticket is of realm %.*s, the computer of %s",
                         realm->length < 80 ? (int)realm->length : 80, realm->data, settings->realm);
    return true;
}

/* ---- the ticket ---- */

/* A key table with the one key, under the name and version that the ticket asks for: neither counts here. */
static krb5_error_code fill_keytab(struct work *work)
{
    krb5_keytab_entry entry = { .principal = work->named->server,
                                .vno = work->named->enc_part.kvno,
                                .key = work->key };
    krb5_error_code code = krb5_kt_resolve(work->context, "MEMORY:amt-simulator", &work->keytab);

    return code ? code : krb5_kt_add_entry(work->context, work->keytab, &entry);
}

static bool decrypt(struct work *work, const struct span *request, krb5_flags *options, struct error *err)
{
    const krb5_data bytes = data_of(request->bytes, request->length);
    krb5_error_code code = fill_keytab(work);

    if (!code)
        code = krb5_auth_con_init(work->context, &work->exchange);
    if (!code)
        code = krb5_rd_req(work->context, &work->exchange, &bytes, work->named->server, work->keytab, options,
                           &work->ticket);
    return !code || library_failed(work, code, "ticket", err);
}

static bool name_client(struct work *work, struct ticket_holder *holder, struct error *err)
{
    char *name = NULL;
    krb5_error_code code = krb5_unparse_name(work->context, work->ticket->enc_part2->client, &name);

    if (code)
        return library_failed(work, code, "name of the user", err);
    snprintf(holder->client, sizeof(holder->client), "%s", name);
    krb5_free_unparsed_name(work->context, name);
    return true;
}

/* The signature shows that the directory, which alone shares the key, wrote it about this client. */
static bool read_pac(struct work *work, const krb5_authdata *data, struct ticket_holder *holder,
                     struct error *err)
{
    const krb5_enc_tkt_part *part = work->ticket->enc_part2;
    krb5_data logon = { 0 };
    krb5_pac pac = NULL;
    krb5_error_code code = krb5_pac_parse(work->context, data->contents, data->length, &pac);
    bool good = false;

    if (!code)
        code = krb5_pac_verify(work->context, pac, part->times.authtime, part->client, &work->key, NULL);
    if (!code)
        code = krb5_pac_get_buffer(work->context, pac, LOGON_INFORMATION, &logon);
    if (code)
        library_failed(work, code, "PAC", err);
    else
        good = pac_read((const unsigned char *)logon.data, logon.length, &holder->membership, err);
    krb5_free_data_contents(work->context, &logon);
    krb5_pac_free(work->context, pac);
    return good;
}

static bool read_membership(struct work *work, struct ticket_holder *holder, struct error *err)
{
    krb5_authdata **found = NULL;
    krb5_error_code code = krb5_find_authdata(work->context, work->ticket->enc_part2->authorization_data,
                                              NULL, KRB5_AUTHDATA_WIN2K_PAC, &found);
    bool good;

    if (code)
        return library_failed(work, code, "authorization data", err);
    good = !found || !found[0] || read_pac(work, found[0], holder, err);
    krb5_free_authdata(work->context, found);
    return good;
}

static bool write_reply(struct work *work, struct ticket_holder *holder, struct error *err)
{
    krb5_data reply = { 0 };
    krb5_error_code code = krb5_mk_rep(work->context, work->exchange, &reply);

    if (code)
        return library_failed(work, code, "reply", err);
    holder->reply = duplicate_bytes(reply.data, reply.length);
    holder->reply_length = reply.length;
    krb5_free_data_contents(work->context, &reply);
    return true;
}

static bool judge(struct work *work, const struct ticket_settings *settings,
                  const struct negotiation *negotiation, struct ticket_holder *holder, struct error *err)
{
    const krb5_data named = data_of(negotiation->ticket.bytes, negotiation->ticket.length);
    krb5_error_code code = krb5_decode_ticket(&named, &work->named);
    krb5_flags options = 0;

    if (code)
        return library_failed(work, code, "RFC 4120 5.3: ticket", err);
    return check_server(work, settings, err) && find_key(work, settings, holder, err) &&
           decrypt(work, &negotiation->request, &options, err) && name_client(work, holder, err) &&
           read_membership(work, holder, err) &&
           (!(options & AP_OPTS_MUTUAL_REQUIRED) || write_reply(work, holder, err));
}

static void release_work(struct work *work)
{
    if (!work->context)
        return;
    krb5_free_ticket(work->context, work->ticket);
    krb5_free_ticket(work->context, work->named);
    krb5_auth_con_free(work->context, work->exchange);
    krb5_free_keyblock_contents(work->context, &work->key);
    if (work->keytab)
        krb5_kt_close(work->context, work->keytab);
    krb5_free_context(work->context);
}

bool ticket_accept(const struct ticket_settings *settings, const struct negotiation *negotiation,
                   struct ticket_holder *holder, struct error *err)
{
    struct text clockskew = { 0 };
    struct defaults defaults = { .encryptions = settings->master_key
                                                    ? "arcfour-hmac"
                                                    : "aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96 "
                                                      "arcfour-hmac" };
    struct ticket_holder reading = { 0 };
    struct work work = { 0 };
    krb5_error_code code;
    bool accepted;

    text_format(&clockskew, "%u", 60 * settings->tolerance_min);
    defaults.clockskew = clockskew.bytes;
    code = make_context(settings, &defaults, &work.context);
    accepted = code ? library_failed(&work, code, "libkrb5", err)
                    : judge(&work, settings, negotiation, &reading, err);
    release_work(&work);
    text_release(&clockskew);
    if (accepted)
        *holder = reading;
    else
        ticket_holder_release(&reading);
    return accepted;
}

void ticket_holder_release(struct ticket_holder *holder)
{
    membership_release(&holder->membership);
    free(holder->reply);
    *holder = (struct ticket_holder){ 0 };
}
