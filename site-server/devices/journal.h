/*
 * journal.h - the escrow journal: what a restored database does not remember, in a file beside it.
 *
 * A database that was taken back to an earlier moment lacks the passwords and certificates that were made
 * after it, and the devices have them. So each is written to this file too, and is on its disk before it is
 * handed out (spec 6.1): passwords sealed as in the database, by the same keys and bound to the same places
 * (vault.h), certificates, and which password a firmware was found to have, or not to have taken. `amtctl
 * secret recover` reads it.
 *
 * Lines of fields separated by blanks; the first field is the version of the format, the second the time:
 *     1 2026-01-31T12:00:00.000Z secret UUID ID KIND KEY-ID NONCE CIPHERTEXT ADDRESS
 *     1 2026-01-31T12:00:00.000Z active UUID ID
 *     1 2026-01-31T12:00:00.000Z unused UUID ID
 *     1 2026-01-31T12:00:00.000Z certificate UUID JOB ATTEMPT AUTHORITY USAGE RENEW-AT FQDN DER
 * ID and JOB are numbers of the database that was in use then; bytes are in Base64, an address
 * that is not known is "-". A line without its end is
 * what a crash left: nothing of it was handed out. The file only grows, and may be renamed at any time.
 */
#ifndef DEVICES_JOURNAL_H
#define DEVICES_JOURNAL_H

#include "database/database.h"
#include "devices/credential.h"

struct journal; /* opaque: the file's name */

/* Makes the file if it is not there (mode 0600); refuses one that cannot be written. */
bool journal_open(struct journal **journal, const char *path, struct error *err) MUST_CHECK;
void journal_close(struct journal **journal); /* accepts NULL */
/* From now on every commit of this database goes to the journal first. Borrowed by the database. */
void journal_attach(struct journal *journal, struct database *database);

enum journal_kind { JOURNAL_SECRET, JOURNAL_ACTIVE, JOURNAL_UNUSED, JOURNAL_CERTIFICATE };

struct journal_entry { /* zero-initialise; ended with journal_entry_clear() */
    enum journal_kind kind;
    int64_t at_ms; /* since 1970 */
    struct uuid uuid;
    int64_t id; /* of the secret; of a certificate: its job */
    /* JOURNAL_SECRET */
    enum credential_kind secret_kind;
    struct sealed sealed;
    char *address; /* where the computer was met; NULL: not known */
    /* JOURNAL_CERTIFICATE */
    uint32_t attempt;
    char *authority; /* fingerprint */
    char *usage;     /* server or client */
    int64_t renew_at_s;
    char *fqdn;
    struct bytes certificate; /* DER */
};

void journal_entry_clear(struct journal_entry *entry);

/* Notes the entry in the database's transaction, with the present time. */
void journal_note(struct database *database, const struct journal_entry *entry);
/* One line without its newline. Pure. */
bool journal_entry_parse(const char *line, struct journal_entry *entry, struct error *err) MUST_CHECK;

#endif
