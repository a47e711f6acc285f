/*
 * privileges.h - a daemon starts as root only to open ports and read keys, then becomes nobody in particular.
 */
#ifndef COMMON_PRIVILEGES_H
#define COMMON_PRIVILEGES_H

#include "error.h"

/*
 * Becomes that user with its groups, for good, and takes away the right to gain privileges by exec. Call it
 * after the last privileged open and before the first byte from a peer is read. NULL, "" and the user that
 * the process already runs as are fine; another one needs root.
 */
bool privileges_drop(const char *user, struct error *err) MUST_CHECK;

#endif
