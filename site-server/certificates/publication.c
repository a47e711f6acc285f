#include "certificates/publication.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certificates/revocation_list.h"
#include "statement.h"

struct published {
    char *name;
    int64_t number;
    struct bytes list;
    bool written; /* into the directory */
};

struct publication {
    struct publication_settings settings;
    struct published *lists;
    size_t count;
    bool any_locked; /* the last time: some authority's key could not be opened, for this reason */
    struct error locked;
};

struct publication *publication_new(const struct publication_settings *settings)
{
    struct publication *publication = allocate(sizeof(*publication));

    publication->settings = *settings;
    return publication;
}

void publication_free(struct publication **publication)
{
    struct publication *ending = TAKE(*publication);

    if (!ending)
        return;
    for (size_t i = 0; i < ending->count; i++) {
        free(ending->lists[i].name);
        bytes_free(&ending->lists[i].list);
    }
    free(ending->lists);
    free(ending);
}

/* ---- making ---- */

static bool store(struct database *database, const char *fingerprint,
                  const struct revocation_list_order *order, const struct bytes *der, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct array *serials;

    parameters_text(parameters, fingerprint);
    parameters_number(parameters, order->number);
    parameters_number(parameters, order->this_update_s);
    parameters_number(parameters, order->next_update_s);
    parameters_number(parameters, (int64_t)order->revoked_count);
    parameters_bytes(parameters, der->data, der->length);
    serials = parameters_texts(parameters);
    for (size_t i = 0; i < order->revoked_count; i++)
        array_add_text(serials, order->revoked[i].serial);
    return database_write(database, STATEMENT_REVOCATION_LIST_STORE, parameters, err);
}

/* The statement gives one row without a serial number when nothing is revoked. */
static struct revoked_certificate *revoked_of(const struct rows *rows, size_t *count)
{
    struct revoked_certificate *revoked = allocate(rows_count(rows) * sizeof(*revoked));

    *count = 0;
    for (size_t i = 0; i < rows_count(rows); i++) {
        if (!row_is_null(rows, i, "serial"))
            revoked[(*count)++] =
                (struct revoked_certificate){ row_text(rows, i, "serial"), (int)row_number(rows, i, "reason"),
                                              row_time_ms(rows, i, "revoked_at") / 1000 };
    }
    return revoked;
}

static bool make_list(const struct publication *publication, struct database *database,
                      const struct authority *authority, int64_t now_s, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;
    AUTO(bytes_free) struct bytes der = { 0 };
    struct revocation_list_order order = { .this_update_s = now_s,
                                           .next_update_s = now_s + publication->settings.lifetime_s };
    struct authority_facts facts;
    struct revoked_certificate *revoked;
    bool made;

    authority_describe(authority, &facts);
    if (order.next_update_s > facts.not_after_s)
        order.next_update_s = facts.not_after_s;
    parameters_text(parameters, facts.fingerprint);
    if (!database_run(database, STATEMENT_REVOCATIONS_OF, parameters, &rows, err))
        return false;
    order.number = row_number(rows, 0, "number") + 1;
    order.revoked = revoked = revoked_of(rows, &order.revoked_count);
    made = revocation_list_sign(authority, &order, &der, err) &&
           store(database, facts.fingerprint, &order, &der, err);
    free(revoked);
    return made;
}

/* A former authority whose key is gone must not keep the others from their lists. */
static bool make_due(struct publication *publication, struct database *database, struct vault *vault,
                     int64_t now_s, size_t *made, struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    AUTO(rows_free) struct rows *rows = NULL;

    parameters_number(parameters, publication->settings.lifetime_s / 2);
    if (!database_run(database, STATEMENT_REVOCATION_LISTS_DUE, parameters, &rows, err))
        return false;
    for (size_t i = 0; i < rows_count(rows); i++) {
        AUTO(authority_free) struct authority *authority = NULL;

        if (!authority_open(rows, i, vault, &authority, &publication->locked)) {
            publication->any_locked = true;
            continue;
        }
        if (!make_list(publication, database, authority, now_s, err))
            return false;
        ++*made;
    }
    return true;
}

/* ---- publishing ---- */

static struct published *find(const struct publication *publication, const char *name)
{
    for (size_t i = 0; i < publication->count; i++) {
        if (strcmp(publication->lists[i].name, name) == 0)
            return &publication->lists[i];
    }
    return NULL;
}

static void take_over(struct publication *publication, const struct rows *rows, size_t row)
{
    const char *name = row_text(rows, row, "name");
    int64_t number = row_number(rows, row, "number");
    struct published *published = find(publication, name);
    const unsigned char *data;
    size_t length;

    if (published && published->number == number)
        return;
    if (!published) {
        publication->lists =
            reallocate(publication->lists, publication->count + 1, sizeof(*publication->lists));
        published = &publication->lists[publication->count++];
        *published = (struct published){ .name = text_copy(name) };
    }
    data = row_bytes(rows, row, "list", &length);
    bytes_set(&published->list, data, length);
    published->number = number;
    published->written = false;
}

static bool write_whole(int fd, const struct bytes *content)
{
    size_t done = 0;

    while (done < content->length) {
        ssize_t written = write(fd, content->data + done, content->length - done);

        if (written < 0)
            return false;
        done += (size_t)written;
    }
    return fchmod(fd, 0644) == 0 && fsync(fd) == 0;
}

/* Replaced at once, so that nobody fetches half a list. */
static bool write_file(const char *directory, const struct published *published, struct error *err)
{
    AUTO(text_free) char *path = text_format("%s/%s.crl", directory, published->name);
    AUTO(text_free) char *temporary = text_format("%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    bool written;

    if (fd < 0)
        return error_set(err, ERROR_INTERNAL, "crl.directory: cannot make %s: %s", temporary,
                         strerror(errno));
    written = write_whole(fd, &published->list);
    written = close(fd) == 0 && written && rename(temporary, path) == 0;
    if (written)
        return true;
    error_set(err, ERROR_INTERNAL, "crl.directory: cannot write %s: %s", path, strerror(errno));
    unlink(temporary);
    return false;
}

static bool publish(struct publication *publication, struct error *err)
{
    for (size_t i = 0; i < publication->count; i++) {
        struct published *published = &publication->lists[i];

        if (published->written)
            continue;
        if (*publication->settings.directory && !write_file(publication->settings.directory, published, err))
            return false;
        published->written = true;
    }
    return true;
}

bool publication_refresh(struct publication *publication, struct database *database, struct vault *vault,
                         int64_t now_s, size_t *made, struct error *err)
{
    AUTO(rows_free) struct rows *rows = NULL;

    *made = 0;
    publication->any_locked = false;
    if (!database_begin(database, err) || !make_due(publication, database, vault, now_s, made, err) ||
        !database_commit(database, err))
        return false;
    if (!database_run(database, STATEMENT_REVOCATION_LISTS, NULL, &rows, err))
        return false;
    for (size_t i = 0; i < rows_count(rows); i++)
        take_over(publication, rows, i);
    if (!publish(publication, err))
        return false;
    if (publication->any_locked)
        *err = publication->locked;
    return !publication->any_locked;
}

const struct bytes *publication_list(const struct publication *publication, const char *name)
{
    const struct published *published = find(publication, name);

    return published ? &published->list : NULL;
}
