/*
 * computer_name.h - finds the computer that a person names by UUID or FQDN.
 */
#ifndef CONTROL_COMPUTER_NAME_H
#define CONTROL_COMPUTER_NAME_H

#include "common/uuid.h"
#include "session.h"

/* The error says how to import one that is not known. */
bool computer_find(struct session *session, const char *name, struct uuid *uuid,
                   struct error *err) MUST_CHECK;

#endif
