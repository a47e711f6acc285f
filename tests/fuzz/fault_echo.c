/* Any fault: the values of a request that held a password are gone from it, and its length and tags stay. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/echo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PASSWORD "S3cret.Word"

static const char request[] =
    "<a:Envelope><a:Header/><a:Body><g:In><g:Username>console</g:Username><g:Password>" PASSWORD
    "</g:Password></g:In></a:Body></a:Envelope>";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *reply = malloc(size + 1);
    const char *text;

    memcpy(reply, data, size);
    reply[size] = '\0';
    echo_blot(request, sizeof(request) - 1, reply, size);
    for (size_t i = 0; i < size; i++) {
        if (reply[i] != (char)data[i] && reply[i] != '*')
            abort();
    }
    /* Behind the last tag all is text. */
    text = memrchr(reply, '>', size);
    if (text && !memchr(text, '<', size - (size_t)(text - reply)) &&
        memmem(text, size - (size_t)(text - reply), PASSWORD, strlen(PASSWORD)))
        abort();
    free(reply);
    return 0;
}
