/*
 * spnego.h - what stands behind "Authorization: Negotiate": SPNEGO (RFC 4178) around Kerberos (RFC 4121 4.1).
 *
 * Pure: bytes in, bytes out; nothing is decrypted. GSSAPI would do the same, but judges tickets by the clock
 * of the host, and each computer here has its own.
 */
#ifndef SIMULATOR_SPNEGO_H
#define SIMULATOR_SPNEGO_H

#include "error.h"
#include "text.h"

/* A part of bytes that somebody else owns. */
struct span {
    const unsigned char *bytes;
    size_t length;
};

struct negotiation {
    struct span mechanism; /* object identifier of Kerberos as the client says it; empty: without SPNEGO */
    struct span request;   /* KRB_AP_REQ (RFC 4120 5.5.1), DER */
    struct span ticket;    /* of the request, DER */
};

/* *read borrows from the token. False: not a first token of this form. */
bool negotiation_read(const unsigned char *token, size_t length, struct negotiation *read,
                      struct error *err) MUST_CHECK;

/* The token that ends the exchange: accepted. reply: KRB_AP_REP, length 0: the client wants none. */
void negotiation_answer(const struct negotiation *negotiation, const void *reply, size_t length,
                        struct text *token);

#endif
