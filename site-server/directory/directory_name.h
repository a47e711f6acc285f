/*
 * directory_name.h - users and groups of the directory by name: their SIDs, for the firmware's access control
 * list (spec O8.1).
 */
#ifndef DIRECTORY_DIRECTORY_NAME_H
#define DIRECTORY_DIRECTORY_NAME_H

#include "directory/computer_object.h"

#define SID_BYTES_MAX 28 /* AMT SDK: KerberosUserSid */

/* name: DOMAIN\name, with the short (NetBIOS) name of any domain of the forest. *sid is binary (MS-DTYP
 * 2.4.2.2), the caller's. REASON_DIRECTORY_NAME_UNKNOWN: there is none. */
bool directory_name_look_up(struct directory_link *link, const char *name, struct bytes *sid,
                            struct error *err) MUST_CHECK;

#endif
