#include "issuing.h"

#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "statement.h"

#define LISTS_AT_SOONEST_MS 1000 /* many revocations together make one list */
#define LISTS_AT_LATEST_MS  60000
#define FAILED_PAUSE_MS     2000

static bool issues_by_cmp(const struct issuing *issuing)
{
    return strcmp(issuing->config->certificate_issuer, "cmp") == 0;
}

static enum cmp_request_kind request_kind(const char *name)
{
    return strcmp(name, "cr") == 0 ? CMP_CR : strcmp(name, "ir") == 0 ? CMP_IR : CMP_P10CR;
}

/* Also when it is not the one that issues: its former certificates may have to be revoked. */
static bool open_cmp(struct issuing *issuing, struct endpoint *endpoint, struct error *err)
{
    const struct config *config = issuing->config;
    const struct cmp_settings settings = { .server = config->cmp_server,
                                           .authority_file = config->cmp_authority_file,
                                           .reference = config->cmp_reference,
                                           .secret_file = config->cmp_secret_file,
                                           .credential_file = config->cmp_credential_file,
                                           .request = request_kind(config->cmp_request),
                                           .renew_with_kur = strcmp(config->cmp_renewal, "kur") == 0,
                                           .timeout_s = config->cmp_timeout_s };
    struct ordering_settings ordering = { .patience_s = config->cmp_patience_s };

    if (!*config->cmp_server)
        return true;
    if (!cmp_issuer_load(&issuing->cmp, &settings, err))
        return false;
    ordering.issuer = issuing->cmp;
    if (!ordering_open(&issuing->ordering, &ordering, issuing->site, endpoint, err))
        return false;
    if (issues_by_cmp(issuing))
        issuing->site->ordering = issuing->ordering;
    return true;
}

bool issuing_open(struct issuing *issuing, const struct config *config, struct site *site,
                  struct vault *vault, struct endpoint *endpoint, struct error *err)
{
    issuing->config = config;
    issuing->site = site;
    issuing->vault = vault;
    issuing->publication =
        publication_new(&(struct publication_settings){ config->crl_lifetime_s, config->crl_directory });
    return open_cmp(issuing, endpoint, err);
}

void issuing_close(struct issuing *issuing)
{
    ordering_close(&issuing->ordering);
    cmp_issuer_free(&issuing->cmp);
    authority_free(&issuing->authority);
    publication_free(&issuing->publication);
}

/* ---- which authority issues ---- */

static bool choose_authority(struct database *database, const char *fingerprint, struct error *err)
{
    AUTO(parameters_free) struct parameters *retired = parameters_new();
    AUTO(parameters_free) struct parameters *chosen = parameters_new();

    parameters_text(retired, fingerprint);
    parameters_text(chosen, fingerprint);
    return database_write(database, STATEMENT_AUTHORITY_RETIRE, retired, err) &&
           database_write(database, STATEMENT_AUTHORITY_CHOOSE, chosen, err);
}

static bool register_cmp(struct database *database, const struct authority_facts *facts, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_text(parameters, facts->fingerprint);
    parameters_text(parameters, facts->subject);
    parameters_text(parameters, facts->serial);
    parameters_bytes(parameters, facts->certificate->data, facts->certificate->length);
    parameters_number(parameters, facts->not_before_s);
    parameters_number(parameters, facts->not_after_s);
    return database_write(database, STATEMENT_AUTHORITY_REGISTER, parameters, err);
}

/* The configuration says which one issues; the database tells it to everybody else. */
static bool assert_issuer(struct issuing *issuing, struct error *err)
{
    struct database *database = issuing->site->database;
    struct authority_facts facts = { 0 };

    if (issuing->cmp)
        authority_describe(cmp_issuer_authority(issuing->cmp), &facts);
    if (database_begin(database, err) && (!issuing->cmp || register_cmp(database, &facts, err)) &&
        choose_authority(database, issues_by_cmp(issuing) ? facts.fingerprint : NULL, err) &&
        database_commit(database, err))
        return true;
    database_rollback(database);
    return false;
}

static bool load_internal(struct issuing *issuing, struct error *err)
{
    struct authority *loaded = NULL;

    if (!authority_load(issuing->site->database, issuing->vault, &loaded, err))
        return false;
    authority_free(&issuing->authority);
    issuing->authority = loaded;
    issuing->site->authority = loaded;
    if (loaded)
        log_info("certificate authority loaded");
    else
        log_warning("no certificate authority", log_text("remedy", "amtctl ca init"));
    return true;
}

static bool learn_authority(struct issuing *issuing, struct error *err)
{
    if (!assert_issuer(issuing, err))
        return false;
    if (!issues_by_cmp(issuing))
        return load_internal(issuing, err);
    issuing->site->authority = cmp_issuer_authority(issuing->cmp);
    return true;
}

bool issuing_learn(struct issuing *issuing, unsigned channels, struct error *err)
{
    if ((channels & CHANNEL_AUTHORITY) && !learn_authority(issuing, err))
        return error_during(err, "certificate authority");
    if (!(channels & (CHANNEL_AUTHORITY | CHANNEL_REVOCATION)))
        return true;
    issuing->lists_waiting = true;
    if (issuing->ordering)
        ordering_look(issuing->ordering);
    return true;
}

/* ---- what is to be done ---- */

static bool run_lists(struct issuing *issuing, int64_t now_ms, struct error *err)
{
    size_t made = 0;

    if (now_ms < issuing->lists_ms || (!issuing->lists_waiting && now_ms < issuing->lists_latest_ms))
        return true;
    issuing->lists_ms = now_ms + LISTS_AT_SOONEST_MS;
    issuing->lists_latest_ms = now_ms + LISTS_AT_LATEST_MS;
    issuing->lists_waiting = false;
    if (!publication_refresh(issuing->publication, issuing->site->database, issuing->vault,
                             clock_wall_ms() / 1000, &made, err))
        return error_during(err, "revocation lists");
    if (made)
        log_info("revocation list made", log_number("lists", (int64_t)made));
    return true;
}

static bool run_orders(struct issuing *issuing, bool ready, int64_t now_ms, struct error *err)
{
    if (!issuing->ordering || now_ms < issuing->orders_ms ||
        (!ready && now_ms < ordering_due_ms(issuing->ordering)) ||
        ordering_run(issuing->ordering, now_ms, err))
        return true;
    issuing->orders_ms = now_ms + FAILED_PAUSE_MS;
    return error_during(err, "orders");
}

bool issuing_run(struct issuing *issuing, bool ready, int64_t now_ms, struct error *err)
{
    return run_orders(issuing, ready, now_ms, err) && run_lists(issuing, now_ms, err);
}

const char *issuing_health(const struct issuing *issuing)
{
    const char *trouble = ordering_trouble(issuing->ordering);

    if (!issuing->site->authority)
        return "none; run 'amtctl ca init'";
    return trouble ? trouble : "ready";
}

int issuing_descriptor(const struct issuing *issuing, int64_t now_ms)
{
    return now_ms >= issuing->orders_ms ? ordering_descriptor(issuing->ordering) : -1;
}

int64_t issuing_due_ms(const struct issuing *issuing)
{
    int64_t lists_ms = issuing->lists_waiting ? issuing->lists_ms : issuing->lists_latest_ms;
    int64_t orders_ms = issuing->ordering ? ordering_due_ms(issuing->ordering) : INT64_MAX;

    if (orders_ms < issuing->orders_ms)
        orders_ms = issuing->orders_ms;
    return lists_ms < orders_ms ? lists_ms : orders_ms;
}
