/*
 * understood.h - what the parsers understood of an answer, by writing it out again.
 *
 * Private to firmware/.
 */
#ifndef FIRMWARE_UNDERSTOOD_H
#define FIRMWARE_UNDERSTOOD_H

#include <stdio.h>

#include "common/error.h"
#include "firmware/runtime.h"

/* One line a property of an element of that SOAP_TYPE_. */
void understood_print(struct runtime *runtime, int type, const void *element, FILE *out);

typedef bool describer(struct runtime *runtime, const char *text, size_t length, FILE *out,
                       struct error *err);
/* Runs it over the text with a runtime of its own; on true the caller frees *description. */
bool understood_text(describer *describe, const char *text, size_t length, char **description,
                     struct error *err) MUST_CHECK;

#endif
