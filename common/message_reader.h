/*
 * message_reader.h - what the readers of messages share; for message_read*.c only.
 */
#ifndef COMMON_MESSAGE_READER_H
#define COMMON_MESSAGE_READER_H

#include "message.h"
#include "provisioning.pb-c.h"

#define WIRELESS_PROFILES_MAX 16 /* AMT SDK: admin profiles that firmware holds */

/*
 * What a reader carries along. The first thing that is wrong is kept and everything after it is skipped,
 * so that the readers are plain lists of fields.
 */
struct reader {
    struct error *err;
    bool failed;
};

void wrong(struct reader *reader, const char *field, const char *what);

/* Each copies; the message owns the copy. NULL stays NULL. */
char *read_text(struct reader *reader, const char *field, const char *text);
struct secret *read_secret(struct reader *reader, const char *field, ProtobufCBinaryData data);
char **read_texts(struct reader *reader, const char *field, char **texts, size_t count);
void read_bytes(struct reader *reader, const char *field, bool present, ProtobufCBinaryData data,
                struct bytes *out);
uint64_t read_password_version(struct reader *reader, uint64_t version); /* no more than SQL's bigint holds */
void read_uuid(struct reader *reader, ProtobufCBinaryData data, struct uuid *uuid);
struct root_hash *read_root_hashes(struct reader *reader, Amt__RootHash **in, size_t count);
enum reason_code read_reason(const char *name);
uint32_t read_enum(struct reader *reader, const char *field, uint32_t value, uint32_t lowest,
                   uint32_t highest);

void read_profile(struct reader *reader, const Amt__Profile *in, struct profile *out);
struct kerberos_account *read_kerberos(struct reader *reader, const Amt__Kerberos *in); /* NULL stays NULL */

/* The messages of the agents' dialogue; message->kind says which one unpacked is. */
void read_agent_message(struct reader *reader, const ProtobufCMessage *unpacked, struct message *message);

#endif
