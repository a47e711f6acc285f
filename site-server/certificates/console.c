#include "console.h"

#include <string.h>

#include "common/clock.h"
#include "statement.h"

struct wanted { /* borrowed */
    const struct certificate_settings *settings;
    const struct console_holder *holder;
    const struct certificate_request *request;
    unsigned char key_fingerprint[32];
};

static bool store(struct database *database, const struct wanted *wanted, const char *authority,
                  const struct issued_certificate *issued, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_number(parameters, wanted->holder->service_point);
    parameters_text(parameters, wanted->holder->name);
    parameters_text(parameters, authority);
    parameters_text(parameters, issued->serial);
    parameters_bytes(parameters, wanted->key_fingerprint, sizeof(wanted->key_fingerprint));
    parameters_text(parameters, issued->fingerprint);
    parameters_bytes(parameters, issued->der.data, issued->der.length);
    parameters_number(parameters, issued->not_before_s);
    parameters_number(parameters, issued->not_after_s);
    return database_write(database, STATEMENT_CONSOLE_STORE, parameters, err);
}

static bool issue(struct database *database, const struct authority *authority, const struct wanted *wanted,
                  struct bytes *der, struct error *err)
{
    AUTO(issued_certificate_clear) struct issued_certificate issued = { 0 };
    AUTO(text_free) char *url = certificate_list_url(wanted->settings, authority);
    AUTO(text_free) char *unit = text_format("%.64s", wanted->holder->name);
    const struct certificate_order order = { .request = wanted->request,
                                             .fqdn = CONSOLE_COMMON_NAME,
                                             .unit = unit,
                                             .usage = CERTIFICATE_CONSOLE,
                                             .now_s = clock_wall_ms() / 1000,
                                             .lifetime_s = wanted->settings->console_lifetime_s,
                                             .list_url = url };
    struct authority_facts facts;

    authority_describe(authority, &facts);
    if (!authority_issue(authority, &order, &issued, err) ||
        !store(database, wanted, facts.fingerprint, &issued, err))
        return false;
    bytes_set(der, issued.der.data, issued.der.length);
    return true;
}

static bool find_issued(const struct rows *issued, const char *authority, struct bytes *der)
{
    for (size_t i = 0; i < rows_count(issued); i++) {
        const unsigned char *data;
        size_t length;

        if (strcmp(row_text(issued, i, "authority"), authority) != 0)
            continue;
        data = row_bytes(issued, i, "certificate", &length);
        bytes_set(der, data, length);
        return true;
    }
    return false;
}

static bool find_or_issue(struct database *database, struct vault *vault, const struct wanted *wanted,
                          struct rows *authorities, size_t row, const struct rows *issued, struct bytes *der,
                          struct error *err)
{
    AUTO(authority_free) struct authority *authority = NULL;

    return find_issued(issued, row_text(authorities, row, "fingerprint"), der) ||
           (authority_open(authorities, row, vault, &authority, err) &&
            issue(database, authority, wanted, der, err));
}

static bool load_issued(struct database *database, const struct wanted *wanted, struct rows **rows,
                        struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();

    parameters_number(parameters, wanted->holder->service_point);
    parameters_bytes(parameters, wanted->key_fingerprint, sizeof(wanted->key_fingerprint));
    return database_run(database, STATEMENT_CONSOLE_ISSUED, parameters, rows, err);
}

bool console_issue(struct database *database, struct vault *vault,
                   const struct certificate_settings *settings, const struct console_holder *holder,
                   const struct bytes *request, struct bytes certificates[CONSOLE_CERTIFICATES_MAX],
                   size_t *count, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(request_free) struct certificate_request *read = NULL;
    AUTO(rows_free) struct rows *authorities = NULL;
    AUTO(rows_free) struct rows *issued = NULL;
    struct wanted wanted = { .settings = settings, .holder = holder };
    size_t made = 0;

    parameters_number(parameters, CONSOLE_CERTIFICATES_MAX);
    if (!request_read(&read, request, NULL, err) ||
        !database_run(database, STATEMENT_CONSOLE_AUTHORITIES, parameters, &authorities, err))
        return false;
    wanted.request = read;
    request_key_fingerprint(read, wanted.key_fingerprint);
    if (!load_issued(database, &wanted, &issued, err))
        return false;
    while (made < rows_count(authorities) &&
           find_or_issue(database, vault, &wanted, authorities, made, issued, &certificates[made], err))
        made++;
    if (made < rows_count(authorities)) {
        while (made > 0)
            bytes_free(&certificates[--made]);
        return error_during(err, "console certificate of %s", holder->name);
    }
    *count = made;
    return true;
}
