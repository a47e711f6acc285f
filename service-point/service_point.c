#include "service_point.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/service_manager.h"
#include "dialogue.h"
#include "point_status.h"

#define HELLOS_MOST        20000
#define STRANGERS_MOST     2000
#define HELLO_WINDOW       512 /* two of the site's turns */
#define STRANGERS_WINDOW   64
#define STRANGERS_A_SECOND 100 /* an operator sees who knocks; the rest of a flood is only counted */
#define HELLO_QUIET_MS     5000
#define LOG_INTERVAL_MS    10000
#define LOOK_HOME_MS       5000 /* for the first site server to answer a second connection */
#define STOP_REPORT_MS     5000 /* for the site to close the last results */
#define DESCRIPTORS_BESIDE 256  /* besides one a session and one a Hello */

/* ---- what computers and sessions say ----------------------------------------------------------------- */

static void hear_hello(void *context, const struct hello_message *hello, const char *address)
{
    struct service_point *point = context;
    /* A site that does not tell whom it knows judges all alike. */
    struct heard_hello heard = { .hello = hello,
                                 .address = address,
                                 .known = !point->known || known_set_recognises(point->known, &hello->uuid),
                                 .seen_at_ms = clock_wall_ms() };
    char device[UUID_TEXT_SIZE];

    if (session_pool_has_computer(point->sessions, &hello->uuid)) {
        point->counters[HELLO_RUNNING_HERE]++;
        return;
    }
    point->counters[HELLO_STRANGERS] += !heard.known;
    heard.correlation = dialogue_correlation(point);
    switch (pending_hellos_take(point->hellos, &heard, point->now_ms)) {
    case PENDING_DUPLICATE:
        point->counters[HELLO_DUPLICATE]++;
        return;
    case PENDING_TOO_OFTEN:
        point->counters[HELLO_TOO_OFTEN]++;
        return;
    case PENDING_DISPLACED:
        point->counters[HELLO_DISPLACED]++;
        break;
    case PENDING_TAKEN:
        break;
    }
    log_debug("hello heard", log_text("device", uuid_text(&hello->uuid, device)),
              log_text("address", address), log_number("retry_count", hello->retry_count),
              log_number("roots", (int64_t)hello->root_hash_count));
}

/* On a session's thread. */
static void post(void *context, struct message *message)
{
    struct service_point *point = context;

    mailbox_post(point->mailbox, message);
}

static void log_finished(const struct message_job_finished *finished)
{
    log_info("job finished", log_number("job", (int64_t)finished->id.job),
             log_number("attempt", finished->id.attempt),
             log_text("verdict", finished->done ? "done" : reason_of(finished->reason)->name),
             log_number("steps", (int64_t)finished->step_count), log_text("why", finished->text));
}

static void read_mailbox(struct service_point *point)
{
    struct message message = { 0 };

    while (mailbox_take(point->mailbox, &message)) {
        if (message.kind == MESSAGE_JOB_FINISHED) {
            message.correlation = dialogue_correlation(point);
            session_pool_end(point->sessions, &message.job_finished.id);
            point->counters[message.job_finished.done ? JOB_DONE : JOB_FAILED]++;
            log_finished(&message.job_finished);
            results_add(point->results, &message, point->now_ms);
            continue;
        }
        if (message.correlation == 0)
            message.correlation = dialogue_correlation(point);
        if (!dialogue_tell(point, &message)) /* questions are asked again, steps stand in the result too */
            log_debug("not told to the site, which is away",
                      log_text("kind", message_kind_name(message.kind)));
        message_free(&message);
    }
}

/* ---- the turn ------------------------------------------------------------------------------------------ */

static void begin_to_stop(struct service_point *point)
{
    struct signalfd_siginfo signal;

    if (read(point->signal_fd, &signal, sizeof(signal)) != sizeof(signal))
        return;
    if (point->stopping) { /* somebody insists */
        point->stop_at_ms = point->now_ms;
        return;
    }
    log_info("stopping", log_number("jobs", (int64_t)session_pool_running(point->sessions)));
    service_manager_tell("STOPPING=1");
    point->stopping = true;
    point->stop_at_ms = point->now_ms + point->surroundings.slow_request_timeout_ms + STOP_REPORT_MS;
    hello_listener_close(&point->listener);
    session_pool_stop(point->sessions, NULL, REASON_SERVICE_POINT_STOPPING);
    if (point->registration.welcomed)
        dialogue_say_heartbeat(point); /* no free slot any more */
}

static int turn_timeout_ms(const struct service_point *point)
{
    int64_t due_ms = registration_due_ms(&point->registration);
    long metrics_ms = exposition_timeout_ms(point->exposition);
    int64_t others[6] = { INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, service_manager_due_ms(), INT64_MAX };

    if (point->listener)
        others[0] = hello_listener_due_ms(point->listener);
    if (point->registration.welcomed) {
        others[1] = results_due_ms(point->results);
        others[2] = pending_hellos_due_ms(point->hellos);
    }
    if (point->stopping)
        others[3] = point->stop_at_ms;
    if (point->home_ms)
        others[5] = point->home_ms;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (others[i] < due_ms)
            due_ms = others[i];
    }
    due_ms -= clock_monotonic_ms();
    if (metrics_ms >= 0 && metrics_ms < due_ms)
        due_ms = metrics_ms;
    return due_ms < 0 ? 0 : due_ms > 60000 ? 60000 : (int)due_ms;
}

/* After what came over it was heard. */
static void look_at_connection(struct service_point *point)
{
    if (!queue_client_broke(point->queue))
        return;
    if (point->registration.welcomed)
        log_warning("connection to the site broke", log_text("endpoint", queue_client_endpoint(point->queue)),
                    log_number("jobs", (int64_t)session_pool_running(point->sessions)));
    registration_broke(&point->registration, point->now_ms);
}

/* Not all at the same time. */
static void look_home_later(struct service_point *point)
{
    int64_t pause_ms = point->config->site_return_s * 1000;

    queue_client_stay(point->queue);
    point->looking_home = false;
    point->home_ms = point->now_ms + pause_ms + (int64_t)(point->process % (uint64_t)(pause_ms / 2 + 1));
}

/* A service point whose site server was away serves at another one, and goes back some time after it has come
 * again, so that the load spreads as before. The connection in use serves on meanwhile; what runs goes on. */
static bool keep_looking_home(struct service_point *point, struct error *err)
{
    bool went = false;

    if (queue_client_at_home(point->queue) || !point->config->site_return_s || point->stopping ||
        !point->registration.welcomed) {
        point->home_ms = 0;
        point->looking_home = false;
        queue_client_stay(point->queue);
        return true;
    }
    if (!point->home_ms)
        look_home_later(point);
    if (point->looking_home && !queue_client_go_home(point->queue, &went, err))
        return false;
    if (went) {
        registration_moved(&point->registration, point->now_ms);
        log_info("back at the first site server", log_text("endpoint", queue_client_endpoint(point->queue)));
        return true;
    }
    if (point->now_ms < point->home_ms)
        return true;
    if (point->looking_home) {
        look_home_later(point);
        return true;
    }
    point->looking_home = true;
    point->home_ms = point->now_ms + LOOK_HOME_MS;
    return queue_client_look_home(point->queue, err);
}

static bool turn(struct service_point *point, struct error *err)
{
    struct pollfd others[4] = { { .fd = mailbox_fd(point->mailbox) }, { .fd = point->signal_fd } };
    size_t count = 2;
    bool site_speaks;

    if (point->listener)
        others[count++].fd = hello_listener_fd(point->listener);
    if (point->exposition)
        others[count++].fd = exposition_descriptor(point->exposition);
    if (!queue_client_poll(point->queue, others, count, turn_timeout_ms(point), &site_speaks, err))
        return false;
    point->now_ms = clock_monotonic_ms();
    service_manager_alive(point->now_ms);
    if (site_speaks)
        dialogue_hear(point);
    look_at_connection(point);
    read_mailbox(point);
    exposition_run(point->exposition);
    if (point->listener)
        hello_listener_turn(point->listener, point->now_ms);
    if (others[1].revents)
        begin_to_stop(point);
    if (!keep_looking_home(point, err) || !dialogue_keep_registered(point, err))
        return false;
    dialogue_say_what_is_due(point);
    point_tell_status(point);
    return true;
}

static bool finished(struct service_point *point)
{
    if (!point->stopping)
        return false;
    if (point->now_ms >= point->stop_at_ms)
        return true;
    if (session_pool_running(point->sessions) > 0)
        return false;
    if (point->stop_at_ms > point->now_ms + STOP_REPORT_MS)
        point->stop_at_ms = point->now_ms + STOP_REPORT_MS;
    return results_count(point->results) == 0;
}

bool service_point_serve(struct service_point *point, struct error *err)
{
    log_info("ready", log_text("name", point->config->point_name),
             log_text("hello", hello_listener_address(point->listener)),
             log_text("public_key", queue_client_public_key(point->queue)),
             log_number("certificates", (int64_t)trust_count(point->trust)),
             log_number("slots", point->config->point_slots));
    service_manager_tell("READY=1");
    point->now_ms = clock_monotonic_ms();
    registration_begin(&point->registration, point->now_ms);
    point->registration.several = point->several_sites;
    while (!finished(point)) {
        if (!turn(point, err))
            return false;
    }
    if (results_count(point->results) > 0)
        log_warning("results not acknowledged; the leases will run out",
                    log_number("results", (int64_t)results_count(point->results)));
    return true;
}

/* ---- opening ------------------------------------------------------------------------------------------- */

static bool load_trust(struct service_point *point, struct error *err)
{
    const struct config_list *files = &point->config->provisioning_certificates;
    struct trust_source *sources = allocate(files->count * sizeof(*sources));
    bool loaded;

    for (size_t i = 0; i < files->count; i++)
        sources[i].certificate_path = files->items[i];
    loaded = trust_load(&point->trust, sources, files->count, clock_wall_ms() / 1000, err);
    free(sources);
    if (loaded && files->count == 0)
        log_warning("no provisioning certificate: computers in setup will refuse this service point",
                    log_text("key", "provisioning.certificates"));
    return loaded;
}

static bool open_console(struct service_point *point, struct error *err)
{
    const struct config *config = point->config;

    return console_open(&point->console, config->firmware_console_certificate, config->point_name,
                        clock_wall_ms() / 1000, err) ||
           error_during(err, "firmware.console_certificate");
}

static bool open_signals(struct service_point *point, struct error *err)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    signal(SIGPIPE, SIG_IGN); /* a computer that hangs up is an error of that connection */
    if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0 ||
        (point->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC)) < 0)
        return error_set(err, ERROR_INTERNAL, "cannot watch signals: %s", strerror(errno));
    return true;
}

static void raise_descriptor_limit(const struct config *config)
{
    rlim_t wanted = (rlim_t)(config->point_slots + config->hello_connections_max + DESCRIPTORS_BESIDE);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
        log_warning("fewer file descriptors than sessions and Hellos may need",
                    log_number("allowed", (int64_t)limit.rlim_cur), log_number("wanted", (int64_t)wanted));
}

static void describe_surroundings(struct service_point *point)
{
    const struct config *config = point->config;

    point->surroundings = (struct session_surroundings){
        .trust = point->trust,
        .console = point->console,
        .connect_timeout_ms = (unsigned)config->firmware_connect_timeout_s * 1000,
        .request_timeout_ms = (unsigned)config->firmware_request_timeout_s * 1000,
        .slow_request_timeout_ms = (unsigned)config->firmware_slow_request_timeout_s * 1000,
        .restart_wait_ms = (unsigned)config->firmware_restart_wait_s * 1000,
        .say = post,
        .context = point,
    };
}

static bool choose_process(uint64_t *process, struct error *err)
{
    if (getrandom(process, sizeof(*process), 0) != sizeof(*process))
        return error_set(err, ERROR_INTERNAL, "no random number: %s", strerror(errno));
    *process = *process >> 1 | 1; /* not 0, and SQL's bigint has a sign */
    return true;
}

static bool open_queue(struct service_point *point, struct error *err)
{
    AUTO(site_list_clear) struct site_list sites = { 0 };
    struct queue_client_settings settings = { .sites = &sites, .key_file = point->config->queue_key_file };

    if (!site_list_read(&sites, &point->config->site_endpoint, point->config->site_public_key, err))
        return false;
    settings.first = site_list_first(&sites, point->config->point_name);
    point->several_sites = sites.count > 1;
    return queue_client_open(&point->queue, &settings, err);
}

bool service_point_open(struct service_point **point, const struct config *config, struct error *err)
{
    AUTO(service_point_close) struct service_point *opening = allocate(sizeof(*opening));
    const struct hello_listener_settings hello = { config->hello_listen,
                                                   (unsigned)config->hello_receive_timeout_s * 1000,
                                                   (unsigned)config->hello_connections_max };

    opening->config = config;
    opening->signal_fd = -1;
    if (!choose_process(&opening->process, err))
        return false;
    opening->malformed_limit.interval_ms = opening->refused_limit.interval_ms = LOG_INTERVAL_MS;
    raise_descriptor_limit(config);
    if (!open_signals(opening, err) || !load_trust(opening, err) || !open_console(opening, err) ||
        !open_queue(opening, err) || !mailbox_open(&opening->mailbox, err) ||
        !hello_listener_open(&opening->listener, &hello, hear_hello, opening, err) ||
        !point_open_metrics(opening, err))
        return false;
    describe_surroundings(opening);
    opening->hellos =
        pending_hellos_new(&(struct pending_settings){ .most = HELLOS_MOST,
                                                       .most_strangers = STRANGERS_MOST,
                                                       .window = HELLO_WINDOW,
                                                       .window_strangers = STRANGERS_WINDOW,
                                                       .strangers_per_second = STRANGERS_A_SECOND,
                                                       .quiet_ms = HELLO_QUIET_MS });
    opening->results = results_new();
    opening->sessions = session_pool_new(&opening->surroundings, (size_t)config->point_slots);
    *point = TAKE(opening);
    return true;
}

void service_point_close(struct service_point **point)
{
    struct service_point *closing = *point;

    if (!closing)
        return;
    if (closing->sessions && session_pool_running(closing->sessions) > 0) {
        log_warning("jobs given up; their leases will run out",
                    log_number("jobs", (int64_t)session_pool_running(closing->sessions)));
        _exit(EXIT_FAILURE); /* their threads still use what would be freed here */
    }
    exposition_close(&closing->exposition);
    session_pool_free(&closing->sessions);
    results_free(&closing->results);
    pending_hellos_free(&closing->hellos);
    known_set_reader_free(&closing->known);
    hello_listener_close(&closing->listener);
    mailbox_close(&closing->mailbox);
    queue_client_close(&closing->queue);
    console_close(&closing->console);
    trust_free(&closing->trust);
    if (closing->signal_fd >= 0)
        close(closing->signal_fd);
    free(closing);
    *point = NULL;
}
