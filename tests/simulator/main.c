/*
 * amt-simulator - the firmware of many Intel AMT computers, for people and tests without hardware.
 */
#include "computer.h"
#include "control.h"
#include "fleet.h"
#include "identity.h"
#include "key_pool.h"
#include "mei_device.h"
#include "simulator.h"
#include "tls.h"

#include <getopt.h>
#include <libxml/parser.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char usage[] =
    "usage: amt-simulator --fleet FILE --control SOCKET [--hello HOST:PORT] [--speed N] [--spread SECONDS]\n"
    "                     [--key-pool N] [--latency-ms N] [--seed N] [--tls-port N] [--plain-port N]\n"
    "                     [--mei DIRECTORY [--mei-kind auto|fuse|socket]]\n"
    "       amt-simulator control SOCKET COMMAND [WORDS...]\n"
    "       amt-simulator control SOCKET -        commands from standard input, one a line\n";

enum option_id {
    OPTION_FLEET = 1,
    OPTION_CONTROL,
    OPTION_HELLO,
    OPTION_SPEED,
    OPTION_SPREAD,
    OPTION_KEY_POOL,
    OPTION_LATENCY,
    OPTION_SEED,
    OPTION_TLS_PORT,
    OPTION_PLAIN_PORT,
    OPTION_MEI,
    OPTION_MEI_KIND
};

static bool read_number(const char *name, const char *value, double lowest, double highest, double *number,
                        struct error *err)
{
    char *end;

    *number = strtod(value, &end);
    if (end == value || *end || !(*number >= lowest && *number <= highest))
        return error_set(err, "--%s: \"%s\" is not a number from %g to %g", name, value, lowest, highest);
    return true;
}

static bool read_mei_kind(const char *value, uint32_t *kind, struct error *err)
{
    static const char *const names[] = { "auto", "fuse",
                                         "socket" }; /* in the order of enum mei_device_kind */

    for (*kind = 0; *kind < LENGTH(names); ++*kind)
        if (!strcmp(names[*kind], value))
            return true;
    return error_set(err, "--mei-kind: \"%s\" is none of auto, fuse, socket", value);
}

static bool read_option(struct options *options, int id, const char *name, const char *value,
                        struct error *err)
{
    double number = 0;

    switch (id) {
    case OPTION_FLEET:
        options->fleet = value;
        return true;
    case OPTION_CONTROL:
        options->control = value;
        return true;
    case OPTION_HELLO:
        options->hello = value;
        return true;
    case OPTION_MEI:
        options->mei = value;
        return true;
    case OPTION_MEI_KIND:
        return read_mei_kind(value, &options->mei_kind, err);
    case OPTION_SPEED:
        return read_number(name, value, 0.001, 1e6, &options->speed, err);
    case OPTION_SPREAD:
        return read_number(name, value, 0, 86400, &options->spread_s, err);
    }
    if (!read_number(name, value, 0, id == OPTION_TLS_PORT || id == OPTION_PLAIN_PORT ? 65535 : 1e6, &number,
                     err))
        return false;
    switch (id) {
    case OPTION_KEY_POOL:
        options->key_pool = (unsigned)number;
        break;
    case OPTION_LATENCY:
        options->latency_ms = (unsigned)number;
        break;
    case OPTION_SEED:
        options->seed = (unsigned)number;
        break;
    case OPTION_TLS_PORT:
        options->tls_port = (uint16_t)number;
        break;
    default:
        options->plain_port = (uint16_t)number;
    }
    return true;
}

static bool options_read(struct options *options, int argc, char **argv, struct error *err)
{
    static const struct option known[] = {
        { "fleet", required_argument, NULL, OPTION_FLEET },
        { "control", required_argument, NULL, OPTION_CONTROL },
        { "hello", required_argument, NULL, OPTION_HELLO },
        { "speed", required_argument, NULL, OPTION_SPEED },
        { "spread", required_argument, NULL, OPTION_SPREAD },
        { "key-pool", required_argument, NULL, OPTION_KEY_POOL },
        { "latency-ms", required_argument, NULL, OPTION_LATENCY },
        { "seed", required_argument, NULL, OPTION_SEED },
        { "tls-port", required_argument, NULL, OPTION_TLS_PORT },
        { "plain-port", required_argument, NULL, OPTION_PLAIN_PORT },
        { "mei", required_argument, NULL, OPTION_MEI },
        { "mei-kind", required_argument, NULL, OPTION_MEI_KIND },
        { 0 },
    };
    int id, index = 0;

    *options = (struct options){
        .speed = 1, .spread_s = 1, .key_pool = 16, .tls_port = 16993, .plain_port = 16992, .seed = 1
    };
    while ((id = getopt_long(argc, argv, "", known, &index)) != -1)
        if (id == '?' || !read_option(options, id, known[index].name, optarg, err))
            return *err->message ? false : error_set(err, "%s", usage);
    if (!options->fleet || !options->control || optind < argc)
        return error_set(err, "--fleet and --control are needed, and nothing else but options");
    return true;
}

static bool hello_server_find(struct simulator *simulator, struct error *err)
{
    const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
    AUTO(free_text) char *host = NULL;
    struct addrinfo *found;
    char *colon;
    int failure;

    if (!simulator->options.hello)
        return true;
    host = duplicate(simulator->options.hello);
    colon = strrchr(host, ':');
    if (!colon)
        return error_set(err, "--hello: \"%s\" is not HOST:PORT", host);
    *colon = '\0';
    failure = getaddrinfo(host, colon + 1, &hints, &found);
    if (failure)
        return error_set(err, "--hello: %s: %s", simulator->options.hello, gai_strerror(failure));
    memcpy(&simulator->hello_server, found->ai_addr, sizeof(simulator->hello_server));
    freeaddrinfo(found);
    return true;
}

static bool mei_open(struct simulator *simulator, struct error *err)
{
    const struct options *options = &simulator->options;

    return !options->mei || mei_device_open(&simulator->mei, simulator, options->mei,
                                            (enum mei_device_kind)options->mei_kind, err);
}

static void on_signal(evutil_socket_t signal, short what, void *context)
{
    (void)signal;
    (void)what;
    event_base_loopbreak(context);
}

static bool serve(struct simulator *simulator, struct error *err)
{
    struct event *stop_term = evsignal_new(simulator->base, SIGTERM, on_signal, simulator->base);
    struct event *stop_int = evsignal_new(simulator->base, SIGINT, on_signal, simulator->base);
    bool served;

    event_add(stop_term, NULL);
    event_add(stop_int, NULL);
    printf("ready %zu computers\n", simulator->count);
    fflush(stdout);
    served = event_base_dispatch(simulator->base) >= 0 || error_set(err, "the event loop failed");
    event_free(stop_term);
    event_free(stop_int);
    return served;
}

/* Each computer takes one descriptor, each connection one more. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    struct simulator simulator = { 0 };
    struct control *control = NULL;
    struct error err = { 0 };
    bool served;

    if (argc > 3 && !strcmp(argv[1], "control"))
        return control_talk(argv[2], argv + 3, argc - 3);
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    simulator.base = event_base_new();
    served = options_read(&simulator.options, argc, argv, &err) && hello_server_find(&simulator, &err) &&
             key_pool_fill(simulator.options.key_pool, &err);
    srandom(simulator.options.seed);
    served = served && fleet_load(&simulator, simulator.options.fleet, &err) && mei_open(&simulator, &err) &&
             control_open(&control, &simulator, simulator.options.control, &err) && serve(&simulator, &err);
    if (!served)
        fprintf(stderr, "%s\n", err.message);
    control_close(&control);
    simulator_release(&simulator);
    event_base_free(simulator.base);
    tls_release();
    identity_release();
    key_pool_release();
    xmlCleanupParser();
    return served ? EXIT_SUCCESS : EXIT_FAILURE;
}
