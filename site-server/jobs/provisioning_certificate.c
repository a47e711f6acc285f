#include "provisioning_certificate.h"

#include "common/provisioning_chain.h"
#include "devices/root_hash.h"
#include "statement.h"

struct columns { /* of one statement; belong to its parameters */
    struct array *names, *subjects, *roots, *ends, *root_ends;
    struct array *hash_of, *hashes;
    struct array *part_of, *parts;
};

static void add_time(struct array *array, int64_t time_s)
{
    if (time_s)
        array_add_number(array, time_s);
    else
        array_add_null(array);
}

/* What the chain says counts more than what was said about it. */
static void add_certificate(const struct columns *columns, int64_t position,
                            const struct provisioning_certificate_info *certificate)
{
    AUTO(provisioning_chain_clear) struct provisioning_chain chain = { 0 };
    struct error ignored;
    bool read = provisioning_chain_read(certificate->chain, certificate->chain_count, &chain, &ignored);

    array_add_text(columns->names, read ? chain.common_name : NULL);
    array_add_text(columns->subjects, read ? chain.subject : certificate->subject);
    array_add_text(columns->roots, read ? chain.root_subject : certificate->root_subject);
    add_time(columns->ends, read ? chain.facts.not_after_s : certificate->not_after_s);
    add_time(columns->root_ends, read ? chain.root_not_after_s : 0);
    for (size_t i = 0; i < certificate->root_hash_count; i++) {
        char text[ROOT_HASH_TEXT_SIZE];

        array_add_number(columns->hash_of, position);
        array_add_text(columns->hashes, root_hash_text(&certificate->root_hashes[i], text));
    }
    for (size_t i = 0; i < certificate->chain_count; i++) {
        array_add_number(columns->part_of, position);
        array_add_bytes(columns->parts, certificate->chain[i].data, certificate->chain[i].length);
    }
}

bool provisioning_certificates_store(struct database *database, int64_t service_point,
                                     const struct provisioning_certificate_info *certificates, size_t count,
                                     struct error *err)
{
    AUTO(parameters_free) struct parameters *parameters = parameters_new();
    struct columns columns;

    parameters_number(parameters, service_point);
    columns.names = parameters_texts(parameters);
    columns.subjects = parameters_texts(parameters);
    columns.roots = parameters_texts(parameters);
    columns.ends = parameters_numbers(parameters);
    columns.root_ends = parameters_numbers(parameters);
    columns.hash_of = parameters_numbers(parameters);
    columns.hashes = parameters_texts(parameters);
    columns.part_of = parameters_numbers(parameters);
    columns.parts = parameters_byte_strings(parameters);
    for (size_t i = 0; i < count; i++)
        add_certificate(&columns, (int64_t)i + 1, &certificates[i]);
    return database_write(database, STATEMENT_PROVISIONING_CERTIFICATES_STORE, parameters, err);
}
