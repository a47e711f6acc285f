#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *err, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(err->message, sizeof(err->message), format, arguments);
    va_end(arguments);
    return false;
}

bool error_during(struct error *err, const char *format, ...)
{
    char cause[sizeof(err->message)];
    va_list arguments;
    int used;

    memcpy(cause, err->message, sizeof(cause));
    va_start(arguments, format);
    used = vsnprintf(err->message, sizeof(err->message), format, arguments);
    va_end(arguments);
    if (used >= 0 && (size_t)used < sizeof(err->message))
        snprintf(err->message + used, sizeof(err->message) - (size_t)used, ": %.*s",
                 (int)sizeof(err->message) - used, cause);
    return false;
}
