/*
 * message_writer.h - what the writers of messages share; for message_write*.c only.
 */
#ifndef COMMON_MESSAGE_WRITER_H
#define COMMON_MESSAGE_WRITER_H

#include "message.h"
#include "provisioning.pb-c.h"

/* Arrays of pointers that protobuf-c wants, all released together once the message is packed. */
struct scratch {
    void **blocks;
    size_t count;
};

void *scratch_take(struct scratch *scratch, size_t count, size_t size);

/* What these give is borrowed from their arguments, or the scratch's. */
char *put_optional(struct scratch *scratch, const char *text); /* NULL stays NULL */
char *put_text(struct scratch *scratch, const char *text);     /* NULL becomes "" */
char **put_texts(struct scratch *scratch, char **texts, size_t count);
char *put_reason(enum reason_code reason); /* NULL for REASON_NONE */
ProtobufCBinaryData put_bytes(const void *data, size_t length);
ProtobufCBinaryData put_secret(const struct secret *secret);
Amt__RootHash **put_root_hashes(struct scratch *scratch, const struct root_hash *hashes, size_t count);

Amt__Profile *put_profile(struct scratch *scratch, const struct profile *in);
Amt__Kerberos *put_kerberos(struct scratch *scratch, const struct kerberos_account *in); /* NULL stays NULL */

/* The messages of the agents' dialogue. */
ProtobufCMessage *put_agent_message(struct scratch *scratch, const struct message *message);

#endif
