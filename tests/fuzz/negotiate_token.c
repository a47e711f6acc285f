/* Any token behind "Authorization: Negotiate": taken apart, its ticket judged, or refused with an error (spec
 * 11). The seed's ticket is one that this key opens, at that time. */
#include <stdint.h>
#include <stdlib.h>

#include "ticket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char key[16] = { 0xd5, 0xdc, 0x89, 0x4b, 0x67, 0xd2, 0xe9, 0x23,
                                       0xe7, 0x92, 0xba, 0xdb, 0x38, 0xda, 0x17, 0x66 };

static bool lies_in(const struct span *part, const uint8_t *data, size_t size)
{
    return part->bytes >= data && part->length <= size && part->bytes + part->length <= data + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ticket_settings settings = {
        .realm = "AMT.EXAMPLE.COM", .master_key = key, .tolerance_min = 5, .now = 1795610569
    };
    struct ticket_holder holder = { 0 };
    struct negotiation negotiation;
    struct text answer = { 0 };
    struct error err = { 0 };

    if (negotiation_read(data, size, &negotiation, &err)) {
        if (!lies_in(&negotiation.request, data, size) || !lies_in(&negotiation.ticket, data, size))
            abort();
        if (ticket_accept(&settings, &negotiation, &holder, &err)) {
            negotiation_answer(&negotiation, holder.reply, holder.reply_length, &answer);
            text_release(&answer);
            ticket_holder_release(&holder);
            return 0;
        }
    }
    if (!*err.message || holder.reply || holder.membership.sids)
        abort();
    return 0;
}
