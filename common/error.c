#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

/* What firmware or a library said may hold any byte, and a long message ends in the middle of a character;
 * but a database takes whole ones only. */
static void compose(char *message, size_t size, const char *format, va_list arguments)
{
    vsnprintf(message, size, format, arguments);
    utf8_mend(message);
}

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
    va_list arguments;

    err->code = code;
    err->reason = REASON_NONE;
    va_start(arguments, format);
    compose(err->message, sizeof(err->message), format, arguments);
    va_end(arguments);
    return false;
}

bool error_because(struct error *err, enum reason_code reason, const char *format, ...)
{
    va_list arguments;

    err->code = reason_of(reason)->retry == RETRY_LATER ? ERROR_UNREACHABLE : ERROR_REFUSED;
    err->reason = reason;
    va_start(arguments, format);
    compose(err->message, sizeof(err->message), format, arguments);
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
    utf8_mend(err->message);
    if (written >= 0 && (size_t)written < sizeof(err->message) - 3) {
        size_t room = sizeof(err->message) - (size_t)written - 3;

        snprintf(err->message + written, room + 3, ": %.*s", (int)utf8_cut(cause, room), cause);
    }
    return false;
}
