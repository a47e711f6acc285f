/*
 * ldap_session_state.h - the inside of a session, for the files of ldap_session.h only.
 */
#ifndef DIRECTORY_LDAP_SESSION_STATE_H
#define DIRECTORY_LDAP_SESSION_STATE_H

#include <ldap.h>

#include "directory/ldap_session.h"

#define LDAP_URL_SIZE 300

struct ldap_session {
    const struct ldap_settings *settings;
    bool global_catalog;
    LDAP *ldap; /* NULL: not connected */
    char server[LDAP_URL_SIZE];
    char *base, *configuration;
    int64_t skew_s;
    char words[200]; /* of the last refusal */
};

/* What the controller adds to its result code, in brackets; empty when it says nothing. */
void ldap_session_diagnose(LDAP *ldap, char *text, size_t size);
void ldap_session_disconnect(struct ldap_session *session);
/* False, with REASON_DIRECTORY_UNREACHABLE. */
bool ldap_session_away(struct error *err, const char *server, const char *what, int code, const char *said);

#endif
