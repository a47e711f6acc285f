/*
 * first_stage.h - the first stage (spec O7) over either of firmware's interfaces.
 *
 * The steps are in first_stage.c and read the same for both; what differs are the calls behind them.
 */
#ifndef PROVISIONING_FIRST_STAGE_H
#define PROVISIONING_FIRST_STAGE_H

#include "provisioning/session.h"

/* Calls with a session may look at what is known and note what they did in session->credential. */
struct stage_calls {
    const char *name; /* for reports */
    /* Reading tells what waits for the commit as if it were in effect: whether one is due cannot be seen. */
    bool commits_always;

    bool (*read_setup)(struct connection *connection, struct setup_service *setup, struct error *err);
    bool (*read_uuid)(struct connection *connection, struct uuid *uuid, struct error *err);
    bool (*read_version)(struct connection *connection, char version[WSMAN_ADDRESS_SIZE], struct error *err);

    /* *offset_s: the firmware's clock minus ours before. */
    bool (*synchronize_clock)(struct session *session, int64_t *offset_s, bool *changed, struct error *err);
    /* The Digest realm and the names. */
    bool (*read_names)(struct connection *connection, struct general_settings *settings, struct error *err);
    bool (*change_names)(struct connection *connection, const char *host, const char *domain,
                         struct error *err);

    bool (*list_keys)(struct connection *connection, struct stored_key_list *keys, struct error *err);
    bool (*list_certificates)(struct connection *connection, struct stored_certificate_list *certificates,
                              struct error *err);
    /* NULL: firmware that takes these calls seeds its random generator itself. */
    bool (*seed_random)(struct connection *connection, const struct secret *seed, struct error *err);

    /* A key without a usable certificate, in session->credential; the report says where it came from. */
    bool (*make_key)(struct session *session, struct step_report *report, struct error *err);
    /* Fills session->credential.request where make_key did not. */
    bool (*make_request)(struct session *session, struct error *err);
    bool (*add_certificate)(struct connection *connection, const struct bytes *der, char *id,
                            struct error *err);
    /* Makes the TLS server use session->credential's certificate, from the commit on. */
    bool (*switch_tls_on)(struct session *session, bool *changed, struct error *err);

    bool (*set_admin)(struct connection *connection, const char *user, const uint8_t a1[DIGEST_HASH_SIZE],
                      struct error *err);
    bool (*prove_log_in)(struct connection *connection, struct error *err); /* harmless */
    bool (*set_mebx_password)(struct connection *connection, const struct secret *password,
                              struct error *err);
    bool (*mebx_is_factory)(struct connection *connection, bool *is_factory, struct error *err);
    bool (*commit)(struct connection *connection, struct error *err);
};

extern const struct stage_calls first_stage_wsman, first_stage_eoi;

int64_t now_s(void); /* our clock, seconds since 1970 */

enum restart_state { RESTARTED, NOT_RESTARTED_YET, RESTART_FAILED };

/* After session->setup.state was read over a new connection: is what was committed in effect? */
typedef enum restart_state restart_look(struct session *session, struct error *err);

/* Looks, with growing pauses, until what was committed is in effect, or restart_wait is over; or sooner when
 * the commit itself got lost (not answered) and the firmware goes on as if it had never come, which the look
 * calls REASON_COMMIT_HAD_NO_EFFECT. */
bool await_restart(struct session *session, bool answered, restart_look *look, struct error *err) MUST_CHECK;

/* The firmware asks clients for a certificate, as it does in mutual TLS. What waits for the commit does not
 * show. */
bool mutual_in_force(const struct session *session);

/* For make_key. */
void use_key(struct session *session, const struct stored_key *key);
/* False: the key of an attempt that ended between it and its certificate. */
bool key_has_certificate(const struct session *session, const struct stored_key *key);

#endif
