/* Any bytes are a message of the dialogue or are refused; what is taken can be written and read again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(const struct message *message)
{
    struct bytes bytes = { 0 };
    struct envelope envelope = { 0 };
    struct message again = { 0 };
    struct error err = { 0 };

    message_write(message, &bytes);
    if (!envelope_read(bytes.data, bytes.length, &envelope, &err) || !message_read(&envelope, &again, &err) ||
        again.kind != message->kind)
        abort();
    message_free(&again);
    envelope_free(&envelope);
    message_bytes_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct envelope envelope = { 0 };
    struct message message = { 0 };
    struct error err = { 0 };

    if (envelope_read(data, size, &envelope, &err) && message_read(&envelope, &message, &err)) {
        read_again(&message);
        message_free(&message);
    }
    envelope_free(&envelope);
    return 0;
}
