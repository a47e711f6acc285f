/*
 * parameters.h - the parameters of one statement, typed, in PostgreSQL's binary form.
 *
 * $1 is the first one added. Arrays go to unnest(), so that one statement serves a whole turn: parameters_X
 * begins an array as the next parameter, parameters_add_X appends to one that began. Bytes are never
 * escaped. The statement says the type by a cast.
 */
#ifndef DATABASE_PARAMETERS_H
#define DATABASE_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ownership.h"
#include "common/uuid.h"

struct parameters; /* opaque */
struct array;      /* one array parameter; belongs to its parameters */

struct parameters *parameters_new(void);
void parameters_free(struct parameters **parameters);

/* Each copies its value. */
void parameters_text(struct parameters *parameters, const char *text); /* NULL: SQL NULL */
void parameters_number(struct parameters *parameters, int64_t number); /* the statement casts: $1::bigint */
void parameters_bool(struct parameters *parameters, bool value);       /* $1::boolean */
void parameters_bytes(struct parameters *parameters, const void *data,
                      size_t length);                                         /* data NULL: SQL NULL */
void parameters_uuid(struct parameters *parameters, const struct uuid *uuid); /* NULL: SQL NULL */

struct array *parameters_numbers(struct parameters *parameters);      /* $1::bigint[] */
struct array *parameters_texts(struct parameters *parameters);        /* $1::text[] */
struct array *parameters_bools(struct parameters *parameters);        /* $1::boolean[] */
struct array *parameters_byte_strings(struct parameters *parameters); /* $1::bytea[] */
struct array *parameters_uuids(struct parameters *parameters);        /* $1::uuid[] */

void array_add_number(struct array *array, int64_t number);
void array_add_text(struct array *array, const char *text); /* NULL: SQL NULL */
void array_add_bool(struct array *array, bool value);
void array_add_bytes(struct array *array, const void *data, size_t length); /* data NULL: SQL NULL */
void array_add_uuid(struct array *array, const struct uuid *uuid);
void array_add_null(struct array *array);
size_t array_count(const struct array *array);

/* For database.c: what libpq wants. Valid until the parameters change. */
struct parameter_list {
    int count;
    const char *const *values;
    const int *lengths, *formats;
};
void parameters_list(struct parameters *parameters, struct parameter_list *list);

#endif
