#include "directory/ldap_session.h"

#include <sasl/sasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <time.h>

#include "common/clock.h"
#include "directory/ldap_session_state.h"

#define ALL_CERTIFICATES "/etc/ssl/certs/ca-certificates.crt"
#define CATALOG_PORT     3268
#define CATALOG_TLS_PORT 3269
/* SASL: sealing for sure over plain LDAP, and none within TLS, which Active Directory refuses. */
#define SEALED   "minssf=56,noanonymous"
#define UNSEALED "maxssf=0,noanonymous"

/* ---- errors ---- */

void ldap_session_diagnose(LDAP *ldap, char *text, size_t size)
{
    char *said = NULL;

    text[0] = '\0';
    if (ldap && ldap_get_option(ldap, LDAP_OPT_DIAGNOSTIC_MESSAGE, &said) == LDAP_OPT_SUCCESS && said &&
        *said) {
        snprintf(text, size, " (%s)", said);
        for (char *at = text; *at; at++) {
            if ((unsigned char)*at < ' ')
                *at = ' ';
        }
    }
    ldap_memfree(said);
}

void ldap_session_disconnect(struct ldap_session *session)
{
    if (session->ldap)
        ldap_unbind_ext_s(session->ldap, NULL, NULL);
    session->ldap = NULL;
}

bool ldap_session_away(struct error *err, const char *server, const char *what, int code, const char *said)
{
    return error_because(err, REASON_DIRECTORY_UNREACHABLE, "%s: %s: %s%s", server, what,
                         ldap_err2string(code), said);
}

/* ---- connecting ---- */

static bool option(LDAP *ldap, int name, const void *value, struct error *err)
{
    return ldap_set_option(ldap, name, value) == LDAP_OPT_SUCCESS ||
           error_set(err, ERROR_INTERNAL, "libldap does not take option %#x", (unsigned)name);
}

static bool set_options(LDAP *ldap, const struct ldap_settings *settings, struct error *err)
{
    const struct timeval timeout = { .tv_sec = settings->timeout_s };
    const int version = LDAP_VERSION3, demand = LDAP_OPT_X_TLS_DEMAND, client = 0;
    const char *ca_file = *settings->ca_file ? settings->ca_file : ALL_CERTIFICATES;

    return option(ldap, LDAP_OPT_PROTOCOL_VERSION, &version, err) &&
           option(ldap, LDAP_OPT_REFERRALS, LDAP_OPT_OFF, err) &&
           option(ldap, LDAP_OPT_NETWORK_TIMEOUT, &timeout, err) &&
           option(ldap, LDAP_OPT_TIMEOUT, &timeout, err) &&
           option(ldap, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON,
                  err) && /* the name in the URL counts, not DNS */
           option(ldap, LDAP_OPT_X_TLS_CACERTFILE, ca_file, err) &&
           option(ldap, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand, err) &&
           option(ldap, LDAP_OPT_X_TLS_NEWCTX, &client, err);
}

/* GSSAPI asks nothing: the ticket says who we are. */
static int answer_nothing(LDAP *ldap, unsigned flags, void *defaults, void *questions)
{
    (void)ldap;
    (void)flags;
    (void)defaults;
    for (sasl_interact_t *question = questions; question->id != SASL_CB_LIST_END; question++) {
        question->result = question->defresult ? question->defresult : "";
        question->len = (unsigned)strlen(question->result);
    }
    return LDAP_SUCCESS;
}

static int bind_simply(struct ldap_session *session)
{
    const struct ldap_settings *settings = session->settings;
    struct berval password = { .bv_val = (char *)secret_reveal(settings->password),
                               .bv_len = secret_length(settings->password) };

    return ldap_sasl_bind_s(session->ldap, settings->bind_user, LDAP_SASL_SIMPLE, &password, NULL, NULL,
                            NULL);
}

static int bind_by_ticket(struct ldap_session *session, bool tls, struct error *err)
{
    if (!option(session->ldap, LDAP_OPT_X_SASL_SECPROPS, tls ? UNSEALED : SEALED, err))
        return LDAP_LOCAL_ERROR;
    return ldap_sasl_interactive_bind_s(session->ldap, NULL, "GSSAPI", NULL, NULL, LDAP_SASL_QUIET,
                                        answer_nothing, NULL);
}

static bool log_in(struct ldap_session *session, bool tls, struct error *err)
{
    bool simple = *session->settings->bind_user;
    int code = simple ? bind_simply(session) : bind_by_ticket(session, tls, err);
    char said[200];

    if (code == LDAP_SUCCESS)
        return true;
    ldap_session_diagnose(session->ldap, said, sizeof(said));
    if (code == LDAP_SERVER_DOWN || code == LDAP_TIMEOUT || code == LDAP_CONNECT_ERROR ||
        code == LDAP_UNAVAILABLE || code == LDAP_BUSY)
        return ldap_session_away(err, session->server, "logging in", code, said);
    return error_because(err, REASON_DIRECTORY_LOGIN, "%s refuses %s: %s%s", session->server,
                         simple ? session->settings->bind_user : "the ticket of the keytab's account",
                         ldap_err2string(code), said);
}

static bool read_identity(struct ldap_session *session, struct error *err);

static bool connect_to(struct ldap_session *session, const char *url, struct error *err)
{
    bool tls = strncmp(url, "ldaps://", 8) == 0;
    char said[200];
    int code;

    snprintf(session->server, sizeof(session->server), "%s", url);
    code = ldap_initialize(&session->ldap, url);
    if (code != LDAP_SUCCESS) {
        session->ldap = NULL;
        return error_set(err, ERROR_INPUT, "%s is no URL of a directory: %s", url, ldap_err2string(code));
    }
    if (!set_options(session->ldap, session->settings, err))
        return false;
    if (!tls && session->settings->starttls) {
        code = ldap_start_tls_s(session->ldap, NULL, NULL);
        if (code != LDAP_SUCCESS) {
            ldap_session_diagnose(session->ldap, said, sizeof(said));
            return ldap_session_away(err, url, "StartTLS", code, said);
        }
        tls = true;
    }
    return log_in(session, tls, err) && read_identity(session, err);
}

/* The n-th URL of the list; false when there are not as many. */
static bool nth_url(const char *list, size_t n, char *url, size_t size)
{
    for (;; n--) {
        size_t length;

        list += strspn(list, " \t,");
        length = strcspn(list, " \t,");
        if (!length)
            return false;
        if (n == 0) {
            snprintf(url, size, "%.*s", (int)length, list);
            return true;
        }
        list += length;
    }
}

/* Catalogues listen at ports of their own, at controllers that hold one. */
static bool nth_server(const struct ldap_session *session, size_t n, char *url, size_t size)
{
    char controller[LDAP_URL_SIZE];
    const char *host;
    size_t length;
    bool tls;

    if (!session->global_catalog)
        return nth_url(session->settings->servers, n, url, size);
    if (*session->settings->global_catalogs)
        return nth_url(session->settings->global_catalogs, n, url, size);
    if (!nth_url(session->settings->servers, n, controller, sizeof(controller)))
        return false;
    tls = strncmp(controller, "ldaps://", 8) == 0;
    host = controller + (tls ? 8 : 7);
    length = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    snprintf(url, size, "%s://%.*s:%d", tls ? "ldaps" : "ldap", (int)length, host,
             tls ? CATALOG_TLS_PORT : CATALOG_PORT);
    return true;
}

static bool connect_to_one(struct ldap_session *session, struct error *err)
{
    AUTO(text_free) char *failures = NULL;
    struct error why = { 0 };
    char url[LDAP_URL_SIZE];

    for (size_t n = 0; nth_server(session, n, url, sizeof(url)); n++) {
        if (connect_to(session, url, &why))
            return true;
        ldap_session_disconnect(session);
        if (why.reason != REASON_DIRECTORY_UNREACHABLE)
            break; /* the next one would say the same, and a password must not be tried everywhere */
        AUTO(text_free) char *before = TAKE(failures);
        failures = text_format("%s%s%s", before ? before : "", before ? "; " : "", why.message);
    }
    if (!failures) {
        *err = why;
        return false;
    }
    return error_because(err, why.reason, "%s",
                         why.reason == REASON_DIRECTORY_UNREACHABLE ? failures : why.message);
}

/* RFC 4517 3.3.13, as Active Directory writes it: 20080102030405.0Z. */
static bool read_time(const char *text, int64_t *time_s)
{
    struct tm utc = { 0 };
    const char *end = text ? strptime(text, "%Y%m%d%H%M%S", &utc) : NULL;

    if (!end)
        return false;
    *time_s = timegm(&utc);
    return true;
}

/* rootDSE (RFC 4512 5.1; MS-ADTS 3.1.1.3.2): whose domain it is, and what time it has. */
static bool read_identity(struct ldap_session *session, struct error *err)
{
    AUTO(ldap_entries_clear) struct ldap_entries found = { 0 };
    static const char *const attributes[] = { "defaultNamingContext", "configurationNamingContext",
                                              "currentTime", NULL };
    const char *base, *configuration;
    int64_t there_s;

    if (!ldap_session_search(session, "", SCOPE_OBJECT, "(objectClass=*)", attributes, &found, NULL, err))
        return false;
    base = found.count ? ldap_entry_text(&found.items[0], "defaultNamingContext") : NULL;
    configuration = found.count ? ldap_entry_text(&found.items[0], "configurationNamingContext") : NULL;
    if (!base || !configuration || !read_time(ldap_entry_text(&found.items[0], "currentTime"), &there_s))
        return error_because(err, REASON_DIRECTORY_REFUSED,
                             "%s does not say which domain it serves: is it a domain controller of Active "
                             "Directory?",
                             session->server);
    text_set(&session->base, base);
    text_set(&session->configuration, configuration);
    session->skew_s = there_s - clock_wall_ms() / 1000;
    return true;
}

struct ldap_session *ldap_session_new(const struct ldap_settings *settings, bool global_catalog)
{
    struct ldap_session *session = allocate(sizeof(*session));

    session->settings = settings;
    session->global_catalog = global_catalog;
    return session;
}

void ldap_session_free(struct ldap_session **session)
{
    struct ldap_session *ending = TAKE(*session);

    if (!ending)
        return;
    ldap_session_disconnect(ending);
    free(ending->base);
    free(ending->configuration);
    free(ending);
}

/* A controller may have closed the connection since it was used last; that is found out here. */
bool ldap_session_ready(struct ldap_session *session, struct error *err)
{
    struct error unused;

    if (session->ldap && read_identity(session, &unused))
        return true;
    ldap_session_disconnect(session);
    return connect_to_one(session, err);
}

const char *ldap_session_server(const struct ldap_session *session)
{
    return session->server;
}

const char *ldap_session_base(const struct ldap_session *session)
{
    return session->base;
}

const char *ldap_session_configuration(const struct ldap_session *session)
{
    return session->configuration;
}

int64_t ldap_session_skew_s(const struct ldap_session *session)
{
    return session->skew_s;
}

const char *ldap_session_words(const struct ldap_session *session)
{
    return session->words;
}
