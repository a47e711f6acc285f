/*
 * element.h - elements of an answer and their properties: what every typed call reads.
 *
 * Private to firmware/. What is read belongs to the runtime.
 */
#ifndef FIRMWARE_ELEMENT_H
#define FIRMWARE_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "firmware/runtime.h"

/* Reads an element of that tag; NULL with soap->error set when it cannot. READER(x) defines read_x for a type
 * of soap/. */
typedef void *element_reader(struct soap *soap, const char *tag);
#define READER(type)                                                                                         \
    static void *read_##type(struct soap *soap, const char *tag)                                             \
    {                                                                                                        \
        return soap_in_##type(soap, tag, NULL, NULL);                                                        \
    }

/* Whether the next element has that tag; it stays unread. */
bool element_is_next(struct soap *soap, const char *tag);
/* The next element, which must be of that tag, in its namespace; lenient: its members may be in others. NULL
 * with soap->error set. */
void *element_read(struct soap *soap, const char *tag, element_reader *read, bool lenient);

/* "Fault" of "SOAP-ENV:Fault"; NULL stays NULL. */
const char *local_name(const char *qualified);
/* Copies, NULL as ""; false when it does not fit. */
bool text_take(char *out, size_t out_size, const char *text);
/* Properties that may be absent. */
bool flag_of(const enum xsd__boolean *property);
unsigned number_of(const unsigned *property);
unsigned short_of(const unsigned short *property);
unsigned byte_of(const unsigned char *property);

#endif
