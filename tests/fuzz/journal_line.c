/* Any line of an escrow journal, which may come from another host: understood, or refused with an error; what
 * is understood is whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certificates/authority.h"
#include "devices/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_certificate(const struct journal_entry *entry)
{
    AUTO(issued_certificate_clear) struct issued_certificate issued = { 0 };
    unsigned char key_fingerprint[32];
    struct error err = { 0 };

    if (!entry->certificate.length || !entry->fqdn || !entry->usage || strlen(entry->authority) != 64)
        abort();
    if (!issued_certificate_read(&entry->certificate, &issued, key_fingerprint, &err) && !*err.message)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(text_free) char *line = text_format("%.*s", (int)size, (const char *)data);
    AUTO(journal_entry_clear) struct journal_entry entry = { 0 };
    struct error err = { 0 };

    if (!journal_entry_parse(line, &entry, &err)) {
        if (err.code != ERROR_INPUT || entry.authority || entry.sealed.key_id)
            abort();
        return 0;
    }
    if (entry.id < 0 || (entry.kind == JOURNAL_SECRET && !entry.sealed.ciphertext.length))
        abort();
    if (entry.kind == JOURNAL_CERTIFICATE)
        check_certificate(&entry);
    return 0;
}
