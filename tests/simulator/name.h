/*
 * name.h - names in certificates as text.
 */
#ifndef SIMULATOR_NAME_H
#define SIMULATOR_NAME_H

#include <openssl/x509.h>

char *name_readable(const X509_NAME *name); /* RFC 2253; owned by the caller */
/* As the firmware shows Issuer and Subject of a stored certificate; owned by the caller. */
char *name_of_firmware(const X509_NAME *name);
char *name_common(const X509 *certificate); /* the last CN of the subject; NULL: none; owned by the caller */

#endif
