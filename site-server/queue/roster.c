#include "queue/roster.h"

#include <stdlib.h>
#include <string.h>

#define UNANSWERED_MS 60000 /* an offer without an answer for so long was lost, or its answer was */

static void forget_abilities(struct session *session)
{
    for (size_t i = 0; i < session->subnet_count; i++)
        free(session->subnets[i]);
    free(session->subnets);
    free(session->roots);
    session->subnets = NULL;
    session->roots = NULL;
    session->subnet_count = session->root_count = 0;
}

static void session_free(struct session *session)
{
    forget_abilities(session);
    free(session->name);
    free(session);
}

void roster_clear(struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++)
        session_free(roster->sessions[i]);
    free(roster->sessions);
    memset(roster, 0, sizeof(*roster));
}

static int compare_key(const void *key, const void *element)
{
    return strcmp(key, (*(struct session *const *)element)->key);
}

struct session *roster_find(const struct roster *roster, const char *key)
{
    struct session **found = NULL;

    if (roster->count)
        found = bsearch(key, roster->sessions, roster->count, sizeof(*roster->sessions), compare_key);
    return found ? *found : NULL;
}

static struct session *insert(struct roster *roster, const char *key)
{
    struct session *session = allocate(sizeof(*session));
    size_t place = 0;

    memcpy(session->key, key, CURVE_KEY_SIZE);
    while (place < roster->count && strcmp(roster->sessions[place]->key, key) < 0)
        place++;
    roster->sessions = reallocate(roster->sessions, roster->count + 1, sizeof(*roster->sessions));
    memmove(roster->sessions + place + 1, roster->sessions + place,
            (roster->count - place) * sizeof(*roster->sessions));
    roster->sessions[place] = session;
    roster->count++;
    return session;
}

static void learn_abilities(struct session *session, const struct message_register *said)
{
    forget_abilities(session);
    session->subnets = allocate(said->subnet_count * sizeof(*session->subnets));
    for (size_t i = 0; i < said->subnet_count; i++)
        session->subnets[session->subnet_count++] = text_copy(said->subnets[i]);
    for (size_t i = 0; i < said->certificate_count; i++) {
        const struct provisioning_certificate_info *certificate = &said->certificates[i];

        if (!certificate->root_hash_count)
            continue;
        session->roots = reallocate(session->roots, session->root_count + certificate->root_hash_count,
                                    sizeof(*session->roots));
        memcpy(session->roots + session->root_count, certificate->root_hashes,
               certificate->root_hash_count * sizeof(*session->roots));
        session->root_count += certificate->root_hash_count;
    }
}

struct session *roster_open(struct roster *roster, const char *key, const struct message_register *said)
{
    struct session *session = roster_find(roster, key);

    if (!session)
        session = insert(roster, key);
    learn_abilities(session, said);
    session->hears_known = said->hears_known;
    session->slots = said->slots;
    session->free = said->free < said->slots ? said->free : said->slots;
    session->unanswered = 0; /* what was under way to an earlier connection is lost with it */
    return session;
}

void roster_prune(struct roster *roster, bool (*keep)(const void *context, const char *key),
                  const void *context)
{
    size_t kept = 0;

    for (size_t i = 0; i < roster->count; i++) {
        if (keep(context, roster->sessions[i]->key))
            roster->sessions[kept++] = roster->sessions[i];
        else
            session_free(roster->sessions[i]);
    }
    roster->count = kept;
}

void session_heard(struct session *session, const struct route *route, int64_t now_ms)
{
    session->route = *route;
    session->heard_ms = now_ms;
}

bool session_present(const struct session *session, int64_t heartbeat_ms, int64_t now_ms)
{
    return now_ms - session->heard_ms < SILENT_HEARTBEATS * heartbeat_ms;
}

void session_lost(struct session *session)
{
    session->heard_ms = INT64_MIN / 2;
}

void session_set_free(struct session *session, uint32_t free_slots, int64_t now_ms)
{
    if (now_ms - session->offered_ms > UNANSWERED_MS)
        session->unanswered = 0;
    if (free_slots > session->slots)
        free_slots = session->slots;
    session->free = free_slots > session->unanswered ? free_slots - session->unanswered : 0;
}

void session_offered(struct session *session, int64_t now_ms)
{
    session->offered_ms = now_ms;
    session->unanswered++;
    if (session->free)
        session->free--;
}

void session_accepted(struct session *session)
{
    if (session->unanswered)
        session->unanswered--;
}

void session_declined(struct session *session, enum reason_code reason)
{
    session_accepted(session);
    if (reason == REASON_NO_FREE_SLOT || reason == REASON_SERVICE_POINT_STOPPING)
        session->free = 0;
    else
        session_finished(session);
}

void session_finished(struct session *session)
{
    if (session->free + session->unanswered < session->slots)
        session->free++;
}
