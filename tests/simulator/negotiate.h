/*
 * negotiate.h - login of directory users: "Authorization: Negotiate" to rights on one computer (RFC 4559).
 */
#ifndef SIMULATOR_NEGOTIATE_H
#define SIMULATOR_NEGOTIATE_H

#include "class.h"

/* Whether Negotiate is offered: Kerberos is provisioned and switched on, setup is over. */
bool negotiate_offered(const struct device *device);
/* Whether an Authorization header is of this scheme. */
bool negotiate_is(const char *authorization);

/* The rights of all entries of the access control list that the ticket's user or groups have; *token, base64,
 * is what the answer is to carry and may stay empty. The device remembers who came, or why not. */
bool negotiate_login(struct device *device, const char *authorization, bool over_tls,
                     struct identity *identity, struct text *token, struct error *err) MUST_CHECK;

#endif
