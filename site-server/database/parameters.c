#include "parameters.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Type numbers of PostgreSQL's catalogue (pg_type.dat); those of built-in types never change. */
enum { TYPE_BOOL = 16, TYPE_BYTEA = 17, TYPE_INT8 = 20, TYPE_TEXT = 25, TYPE_UUID = 2950 };

enum { FORMAT_TEXT = 0, FORMAT_BINARY = 1 };

/* dimensions, has-null flag, element type, size and lower bound of the only dimension */
#define ARRAY_HEADER_BYTES 20

struct array {
    uint32_t element_type;
    bool has_null;
    size_t count, length, capacity;
    unsigned char *data; /* as array_send() writes it */
};

struct parameter {
    char *value; /* owned; NULL: SQL NULL, or an array */
    int length, format;
    struct array *array; /* owned */
};

struct parameters {
    struct parameter *items;
    size_t count;
    /* made by parameters_list() */
    const char **values;
    int *lengths, *formats;
};

struct parameters *parameters_new(void)
{
    return allocate(sizeof(struct parameters));
}

void parameters_free(struct parameters **parameters)
{
    struct parameters *p = *parameters;

    for (size_t i = 0; p && i < p->count; i++) {
        free(p->items[i].value);
        if (p->items[i].array)
            free(p->items[i].array->data);
        free(p->items[i].array);
    }
    if (p) {
        free(p->items);
        free(p->values);
        free(p->lengths);
        free(p->formats);
    }
    free(p);
    *parameters = NULL;
}

static struct parameter *append(struct parameters *parameters)
{
    struct parameter *added;

    parameters->items = reallocate(parameters->items, parameters->count + 1, sizeof(*parameters->items));
    added = &parameters->items[parameters->count++];
    memset(added, 0, sizeof(*added));
    return added;
}

void parameters_text(struct parameters *parameters, const char *text)
{
    append(parameters)->value = text_copy(text);
}

void parameters_number(struct parameters *parameters, int64_t number)
{
    append(parameters)->value = text_format("%lld", (long long)number);
}

void parameters_bool(struct parameters *parameters, bool value)
{
    append(parameters)->value = text_copy(value ? "t" : "f");
}

void parameters_bytes(struct parameters *parameters, const void *data, size_t length)
{
    struct parameter *added = append(parameters);

    if (!data)
        return;
    added->value = allocate(length);
    memcpy(added->value, data, length);
    added->length = (int)length;
    added->format = FORMAT_BINARY;
}

void parameters_uuid(struct parameters *parameters, const struct uuid *uuid)
{
    char text[UUID_TEXT_SIZE];

    append(parameters)->value = uuid ? text_copy(uuid_text(uuid, text)) : NULL;
}

static void put(struct array *array, const void *data, size_t length)
{
    if (array->length + length > array->capacity) {
        array->capacity = (array->length + length) * 2;
        array->data = reallocate(array->data, array->capacity, 1);
    }
    if (length)
        memcpy(array->data + array->length, data, length);
    array->length += length;
}

static struct array *begin_array(struct parameters *parameters, uint32_t element_type)
{
    static const unsigned char header[ARRAY_HEADER_BYTES];
    struct parameter *added = append(parameters);

    added->array = allocate(sizeof(*added->array));
    added->array->element_type = element_type;
    added->format = FORMAT_BINARY;
    put(added->array, header, sizeof(header));
    return added->array;
}

struct array *parameters_numbers(struct parameters *parameters)
{
    return begin_array(parameters, TYPE_INT8);
}

struct array *parameters_texts(struct parameters *parameters)
{
    return begin_array(parameters, TYPE_TEXT);
}

struct array *parameters_bools(struct parameters *parameters)
{
    return begin_array(parameters, TYPE_BOOL);
}

struct array *parameters_byte_strings(struct parameters *parameters)
{
    return begin_array(parameters, TYPE_BYTEA);
}

struct array *parameters_uuids(struct parameters *parameters)
{
    return begin_array(parameters, TYPE_UUID);
}

static void add(struct array *array, uint32_t type, const void *data, size_t length)
{
    uint32_t size = htobe32((uint32_t)length);

    assert(array->element_type == type);
    put(array, &size, sizeof(size));
    put(array, data, length);
    array->count++;
}

void array_add_null(struct array *array)
{
    static const unsigned char null_length[4] = { 0xFF, 0xFF, 0xFF, 0xFF };

    put(array, null_length, sizeof(null_length));
    array->has_null = true;
    array->count++;
}

void array_add_number(struct array *array, int64_t number)
{
    uint64_t value = htobe64((uint64_t)number);

    add(array, TYPE_INT8, &value, sizeof(value));
}

void array_add_text(struct array *array, const char *text)
{
    if (text)
        add(array, TYPE_TEXT, text, strlen(text));
    else
        array_add_null(array);
}

void array_add_bool(struct array *array, bool value)
{
    add(array, TYPE_BOOL, &(unsigned char){ value }, 1);
}

void array_add_bytes(struct array *array, const void *data, size_t length)
{
    if (data)
        add(array, TYPE_BYTEA, data, length);
    else
        array_add_null(array);
}

void array_add_uuid(struct array *array, const struct uuid *uuid)
{
    add(array, TYPE_UUID, uuid->bytes, sizeof(uuid->bytes));
}

size_t array_count(const struct array *array)
{
    return array->count;
}

/* An array without elements has no dimension. */
static void write_header(struct array *array)
{
    uint32_t header[5] = { htobe32(array->count ? 1 : 0), htobe32(array->has_null),
                           htobe32(array->element_type), htobe32((uint32_t)array->count), htobe32(1) };

    memcpy(array->data, header, sizeof(header));
}

void parameters_list(struct parameters *parameters, struct parameter_list *list)
{
    size_t count = parameters->count;

    parameters->values = reallocate(parameters->values, count, sizeof(*parameters->values));
    parameters->lengths = reallocate(parameters->lengths, count, sizeof(int));
    parameters->formats = reallocate(parameters->formats, count, sizeof(int));
    for (size_t i = 0; i < count; i++) {
        struct parameter *item = &parameters->items[i];

        if (item->array) {
            write_header(item->array);
            parameters->values[i] = (const char *)item->array->data;
            parameters->lengths[i] = (int)(item->array->count ? item->array->length : 12);
        } else {
            parameters->values[i] = item->value;
            parameters->lengths[i] = item->length;
        }
        parameters->formats[i] = item->format;
    }
    *list =
        (struct parameter_list){ (int)count, parameters->values, parameters->lengths, parameters->formats };
}
