#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
    va_list arguments;

    err->code = code;
    err->reason = REASON_NONE;
    va_start(arguments, format);
    vsnprintf(err->message, sizeof(err->message), format, arguments);
    va_end(arguments);
    return false;
}

bool error_because(struct error *err, enum reason_code reason, const char *format, ...)
{
    va_list arguments;

    err->code = reason_of(reason)->retry == RETRY_LATER ? ERROR_UNREACHABLE : ERROR_REFUSED;
    err->reason = reason;
    va_start(arguments, format);
    vsnprintf(err->message, sizeof(err->message), format, arguments);
    va_end(arguments);
    return false;
}

bool error_during(struct error *err, const char *format, ...)
{
    char cause[sizeof(err->message)];
    va_list arguments;
    int written;

    memcpy(cause, err->message, sizeof(cause));
    va_start(arguments, format);
    written = vsnprintf(err->message, sizeof(err->message), format, arguments);
    va_end(arguments);
    if (written >= 0 && (size_t)written < sizeof(err->message) - 3) {
        size_t room = sizeof(err->message) - (size_t)written - 3;

        snprintf(err->message + written, room + 3, ": %.*s", (int)room, cause);
    }
    return false;
}
