/*
 * client_credential.h - the key pair and certificate with which firmware proves itself to a RADIUS server.
 *
 * One of each per computer, for the wired and every wireless network. Made as those of the TLS server are,
 * for the usage "client". Looks into session->keys and session->certificates, which the caller keeps fresh.
 */
#ifndef PROVISIONING_CLIENT_CREDENTIAL_H
#define PROVISIONING_CLIENT_CREDENTIAL_H

#include "provisioning/session.h"

/* One of this site, for this computer's name, with its key, that is good for long enough yet. On true
 * *credential is filled; the caller ends it with client_credential_clear(). */
bool client_credential_find(const struct session *session, struct device_credential *credential);
/* Makes a new one: a key pair that has no certificate, or a new pair; request, certificate, into the store.
 */
bool client_credential_make(struct session *session, struct device_credential *credential,
                            struct error *err) MUST_CHECK;
void client_credential_clear(struct device_credential *credential);

#endif
