/*
 * session.h - one attempt to provision one computer: what was offered, what is known by now, what comes out.
 *
 * A session runs on a thread of its own and blocks. The main thread touches it only through session_answer()
 * and session_stop(); everything else belongs to the session's thread.
 */
#ifndef PROVISIONING_SESSION_H
#define PROVISIONING_SESSION_H

#include <pthread.h>

#include "common/message.h"
#include "firmware/connection.h"
#include "firmware/console.h"
#include "firmware/wsman.h"

/* Shared by all sessions, unchanged while they run. */
struct session_surroundings {
    const struct trust *trust;
    struct console *console; /* for computers in mutual TLS; NULL: none */
    unsigned connect_timeout_ms, request_timeout_ms, slow_request_timeout_ms;
    unsigned restart_wait_ms; /* how long AMT's network may stay away after a commit */
    /* Hands a message to the site, from any thread; takes it over and leaves it zeroed. */
    void (*say)(void *context, struct message *message);
    void *context;
};

struct stage_calls;

/* The key pair and certificate of the computer's TLS server, as found in or put into firmware. */
struct device_credential {
    char key_id[WSMAN_ID_SIZE];
    char certificate_id[WSMAN_ID_SIZE];
    struct bytes public_key;  /* PKCS#1 RSAPublicKey, DER */
    struct bytes request;     /* PKCS#10, DER; empty when the certificate was there */
    struct bytes certificate; /* DER */
};

/* Which of the certificates in firmware the TLS server is to use. */
enum credential_rule {
    CREDENTIAL_FRESH,  /* one of ours for this name with most of its life to come; else a new one */
    CREDENTIAL_IN_USE, /* the one that it uses, as long as it is for this name */
    CREDENTIAL_OTHER,  /* another than the one that it is known to use */
};

struct session {
    const struct session_surroundings *around;
    struct message_job_offer offer;
    char *fqdn;
    struct console_set *consoles; /* as they were when the session began; NULL: none */

    /* what the kind of job asks for */
    enum credential_rule credential_rule;
    bool applies_profile;
    bool wants_provisioned;

    int64_t deadline_ms; /* monotonic; of the whole attempt */

    /* what the firmware told */
    const struct provisioning_certificate *certificate; /* the one to present; NULL: none */
    struct connection *connection;
    const struct stage_calls *stage; /* the interface that the firmware takes the first stage over */
    bool challenged;                 /* a password is asked for in this session */
    const struct account *accepted;  /* of the offer's accounts; NULL: none was needed */
    char digest_realm[DIGEST_REALM_SIZE];
    struct setup_service setup;
    struct stored_key_list keys;
    struct stored_certificate_list certificates;
    bool web_interface_absent, kvm_absent,
        redirection_absent; /* not asked for again: AMT closes after a fault */

    /* what this attempt has done so far */
    bool admin_password_in_use; /* the offered one opens the firmware */
    bool tls_staged;            /* TLS settings wait for the commit */
    bool mutual_staged;         /* clients have to show a certificate from the commit on */
    bool clock_synchronized;
    size_t staged_on; /* connection_number() when the first of what waits was sent; 0: nothing was */
    struct device_credential credential;
    bool kerberos_enabled;         /* directory users may be written */
    struct network_state *network; /* network.h; NULL until looked at, or the profile has no part for it */
    struct message_job_finished result;
    size_t steps_said;    /* of result.steps */
    int64_t last_said_ms; /* monotonic */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    enum reason_code stop_reason; /* REASON_NONE: go on */
    uint64_t question;            /* correlation of the question asked; 0: none */
    bool answered;
    bool ask_again; /* at once: the site may not have heard it */
    struct message answer;
};

/* Takes the offer over and leaves it zeroed. Never NULL. */
struct session *session_new(struct message_job_offer *offer, const struct session_surroundings *around);
void session_free(struct session **session);

/* From the main thread. */
/* Takes the message over when it carries the correlation of the session's open question. False: it does not.
 */
bool session_answer(struct session *session, struct message *answer) MUST_CHECK;
/* The session ends at its next step or wait. */
void session_stop(struct session *session, enum reason_code reason);
/* An open question is said anew, at once: there is a session with the site again, maybe with another server.
 */
void session_ask_again(struct session *session);

/* From the session's thread. */
/* False when the attempt must end now: stopped, or its time is up. */
bool session_may_go_on(struct session *session, struct error *err) MUST_CHECK;
/* Waits that long, or less and false as above. */
bool session_wait(struct session *session, int64_t wait_ms, struct error *err) MUST_CHECK;
/* Says the question, ACCOUNT_WANTED or CERTIFICATE_WANTED, again and again while no answer comes, and waits
 * for an answer of that kind. A REFUSED becomes the error. On true the caller ends *answer with
 * message_free(). */
bool session_ask(struct session *session, const struct message *question, enum message_kind answer_kind,
                 struct message *answer, struct error *err) MUST_CHECK;
/* Adds to result.steps (takes the texts over) and tells the site now and then. */
void session_report(struct session *session, struct step_report *step);
/* The firmware took the password of a wireless profile (NULL: of wired 802.1X); without a version nobody
 * asks. */
void session_note_network(struct session *session, const char *wireless, uint64_t password_version);
/* The firmware took the user's password; without a version nobody asks. */
void session_note_user(struct session *session, const struct user_entry *user);
/* "name=value" for JOB_FINISHED.settings. */
void session_note_setting(struct session *session, const char *name, const char *value);

#endif
