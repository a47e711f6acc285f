#include "control.h"

#include "computer.h"
#include "encoding.h"
#include "fleet.h"
#include "report.h"
#include "settings.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { WORDS_MAX = 64, LINE_LIMIT = 64 * 1024 };

struct control {
    struct simulator *simulator;
    struct evconnlistener *listener;
    char *path;
};

struct command {
    struct simulator *simulator;
    const char *line;       /* what follows the command's name */
    char *words[WORDS_MAX]; /* without the command's name */
    size_t count;
    struct computer *computer; /* of the first word, where the command is about one */
    json_object *answer;
};

typedef bool command_function(struct command *command, struct error *err);

/* ---- commands ---- */

static bool list(struct command *command, struct error *err)
{
    json_object *array = json_object_new_array();

    (void)err;
    for (size_t i = 0; i < command->simulator->count; i++)
        json_object_array_add(array, report_summary(command->simulator->computers[i]->device));
    json_object_object_add(command->answer, "computers", array);
    return true;
}

static bool state(struct command *command, struct error *err)
{
    (void)err;
    json_object_object_add(command->answer, "state", report_state(command->computer));
    return true;
}

static bool counters(struct command *command, struct error *err)
{
    struct computer *computer = command->count ? simulator_find(command->simulator, command->words[0]) : NULL;

    if (command->count && !computer)
        return error_set(err, "%s: no such computer", command->words[0]);
    json_object_object_add(command->answer, "counters",
                           computer ? report_counters(computer->device)
                                    : report_total_counters(command->simulator));
    return true;
}

static bool hello(struct command *command, struct error *err)
{
    struct device *device = command->computer->device;
    char *end;

    if (!command->simulator->hello_server.sin_family)
        return error_set(err, "nobody to say Hello to: start with --hello HOST:PORT");
    if (command->count > 1) {
        device->retry = (uint32_t)strtoul(command->words[1], &end, 10);
        if (*end)
            return error_set(err, "\"%s\" is not a retry count", command->words[1]);
    }
    /* In POST it is a late Hello, one still under way when setup ended. */
    if (device->state == STATE_PRE) { /* as an agent's StartConfiguration does */
        device->state = STATE_IN;
        if (!computer_open(command->computer, err))
            return false;
    }
    computer_hello(command->computer);
    return true;
}

static bool hello_raw(struct command *command, struct error *err)
{
    unsigned char bytes[LINE_LIMIT / 2];
    size_t length;

    if (!command->simulator->hello_server.sin_family)
        return error_set(err, "nobody to say Hello to: start with --hello HOST:PORT");
    if (command->count != 2 || !hex_decode(command->words[1], bytes, sizeof(bytes), &length))
        return error_set(err, "hello-raw ID HEX");
    computer_send_raw(command->computer, bytes, length);
    return true;
}

/* The other places are asked for it call by call; the realm is part of every stored password. */
static void realm_follows(struct device *device)
{
    unsigned char uuid[UUID_LENGTH];

    memcpy(uuid, device->uuid, UUID_LENGTH);
    if (misbehaviour_listed(device->misbehaviours, MISBEHAVIOUR_WRONG_UUID))
        uuid[UUID_LENGTH - 1] ^= 0xFF;
    device_pretend_uuid(device, uuid);
}

static bool misbehave(struct command *command, struct error *err)
{
    struct device *device = command->computer->device;

    if (!misbehaviour_add(&device->misbehaviours, (const char *const *)command->words + 1, command->count - 1,
                          err))
        return false;
    if (!strcmp(command->words[1], misbehaviour_name(MISBEHAVIOUR_WRONG_UUID)))
        realm_follows(device);
    return true;
}

static bool behave(struct command *command, struct error *err)
{
    struct device *device = command->computer->device;
    bool pretended = misbehaviour_listed(device->misbehaviours, MISBEHAVIOUR_WRONG_UUID);

    (void)err;
    misbehaviour_clear(&device->misbehaviours);
    if (pretended)
        realm_follows(device);
    return true;
}

/* A changed state or interface shows on the network at once. */
static bool network_follows(struct computer *computer, uint32_t old_state, uint32_t old_mode,
                            struct error *err)
{
    struct device *device = computer->device;

    if (device->state != old_state) {
        device->control_mode = device->state == STATE_POST ? CONTROL_ADMIN : CONTROL_NONE;
        device->retry = 0;
        computer_close(computer);
    }
    if (!computer_open(computer, err))
        return false;
    if (device->state != old_state || device->hello_mode != old_mode)
        computer_begin_setup(computer);
    return true;
}

static bool set(struct command *command, struct error *err)
{
    struct device *device = command->computer->device;
    uint32_t old_state = device->state, old_mode = device->hello_mode;

    for (size_t i = 1; i < command->count; i++) {
        char *equals = strchr(command->words[i], '=');

        if (!equals)
            return error_set(err, "\"%s\" is not key=value", command->words[i]);
        *equals = '\0';
        if (!setting_apply(device, command->words[i], equals + 1, err))
            return false;
    }
    return network_follows(command->computer, old_state, old_mode, err);
}

static bool reset(struct command *command, struct error *err)
{
    struct computer *computer = command->computer;

    computer_close(computer);
    misbehaviour_clear(&computer->device->misbehaviours);
    device_reset(computer->device);
    if (!computer_open(computer, err))
        return false;
    computer_begin_setup(computer);
    return true;
}

static bool add(struct command *command, struct error *err)
{
    struct device *device = NULL;

    return fleet_line(command->line, &device, err) && simulator_add(command->simulator, &device, err);
}

static bool quit(struct command *command, struct error *err)
{
    const struct timeval soon = { .tv_usec = 50000 }; /* the answer goes out first */

    (void)err;
    event_base_loopexit(command->simulator->base, &soon);
    return true;
}

static const struct {
    const char *name;
    command_function *run;
    bool about_one; /* the first word names a computer */
} commands[] = {
    { "list", list, false },          { "state", state, true },
    { "counters", counters, false },  { "hello", hello, true },
    { "hello-raw", hello_raw, true }, { "misbehave", misbehave, true },
    { "behave", behave, true },       { "set", set, true },
    { "reset", reset, true },         { "add", add, false },
    { "quit", quit, false },
};

static bool run_command(struct command *command, const char *name, struct error *err)
{
    for (size_t i = 0; i < LENGTH(commands); i++) {
        if (strcmp(commands[i].name, name))
            continue;
        if (commands[i].about_one) {
            command->computer = command->count ? simulator_find(command->simulator, command->words[0]) : NULL;
            if (!command->computer)
                return error_set(err, "%s: no such computer", command->count ? command->words[0] : "");
        }
        return commands[i].run(command, err);
    }
    return error_set(err, "\"%s\" is no command", name);
}

/* ---- connections ---- */

static json_object *answer_line(struct simulator *simulator, char *line)
{
    struct command command = { .simulator = simulator, .answer = json_object_new_object() };
    struct error err = { 0 };
    char *copy = duplicate(line), *rest = line, *word;
    const char *name = "";
    bool good;

    command.line = copy + strcspn(copy, " ");
    while ((word = strsep(&rest, " \t\r")) && command.count < WORDS_MAX) {
        if (!*word)
            continue;
        if (!*name)
            name = word;
        else
            command.words[command.count++] = word;
    }
    good = run_command(&command, name, &err);
    json_object_object_add(command.answer, "ok", json_object_new_boolean(good));
    if (!good)
        json_object_object_add(command.answer, "error", json_object_new_string(err.message));
    free(copy);
    return command.answer;
}

static void on_line(struct bufferevent *bufferevent, void *context)
{
    struct evbuffer *input = bufferevent_get_input(bufferevent);
    char *line;

    while ((line = evbuffer_readln(input, NULL, EVBUFFER_EOL_LF))) {
        json_object *answer = answer_line(context, line);
        const char *text =
            json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

        bufferevent_write(bufferevent, text, strlen(text));
        bufferevent_write(bufferevent, "\n", 1);
        json_object_put(answer);
        free(line);
    }
    if (evbuffer_get_length(input) > LINE_LIMIT)
        bufferevent_free(bufferevent);
}

static void on_end(struct bufferevent *bufferevent, short what, void *context)
{
    (void)what;
    (void)context;
    bufferevent_free(bufferevent);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t socket, struct sockaddr *peer,
                      int length, void *context)
{
    struct control *control = context;
    struct bufferevent *bufferevent =
        bufferevent_socket_new(control->simulator->base, socket, BEV_OPT_CLOSE_ON_FREE);

    (void)listener;
    (void)peer;
    (void)length;
    bufferevent_setcb(bufferevent, on_line, NULL, on_end, control->simulator);
    bufferevent_enable(bufferevent, EV_READ | EV_WRITE);
}

static bool socket_address(const char *path, struct sockaddr_un *address, struct error *err)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address->sun_path))
        return error_set(err, "%s: path too long for a UNIX socket, %zu bytes are possible", path,
                         sizeof(address->sun_path) - 1);
    strcpy(address->sun_path, path);
    return true;
}

bool control_open(struct control **control, struct simulator *simulator, const char *path, struct error *err)
{
    struct sockaddr_un address;
    struct control *opening;

    if (!socket_address(path, &address, err))
        return false;
    unlink(path);
    opening = allocate(sizeof(*opening));
    opening->simulator = simulator;
    opening->listener = evconnlistener_new_bind(simulator->base, on_accept, opening,
                                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16,
                                                (struct sockaddr *)&address, sizeof(address));
    if (!opening->listener) {
        free(opening);
        return error_set(err, "%s: %s", path, strerror(errno));
    }
    opening->path = duplicate(path);
    *control = opening;
    return true;
}

void control_close(struct control **control)
{
    struct control *closing = *control;

    if (!closing)
        return;
    evconnlistener_free(closing->listener);
    unlink(closing->path);
    free(closing->path);
    free(closing);
    *control = NULL;
}

/* ---- client ---- */

static bool exchange(FILE *server, const char *line, bool *good)
{
    char *answer = NULL;
    size_t room = 0;
    json_object *parsed, *ok = NULL;
    bool answered;

    fprintf(server, "%s\n", line);
    fflush(server);
    answered = getline(&answer, &room, server) > 0;
    if (answered) {
        fputs(answer, stdout);
        parsed = json_tokener_parse(answer);
        *good &= json_object_object_get_ex(parsed, "ok", &ok) && json_object_get_boolean(ok);
        json_object_put(parsed);
    }
    free(answer);
    return answered;
}

static bool talk_lines(FILE *server, bool *good)
{
    char *line = NULL;
    size_t room = 0;
    bool answered = true;

    while (answered && getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        answered = exchange(server, line, good);
    }
    free(line);
    return answered;
}

int control_talk(const char *path, char *const *words, int count)
{
    struct sockaddr_un address;
    struct error err = { 0 };
    struct text line = { 0 };
    bool answered, good = true;
    FILE *server;
    int connected = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (!socket_address(path, &address, &err) ||
        connect(connected, (struct sockaddr *)&address, sizeof(address)) < 0) {
        fprintf(stderr, "amt-simulator: %s: %s\n", path, *err.message ? err.message : strerror(errno));
        return EXIT_FAILURE;
    }
    server = fdopen(connected, "r+");
    for (int i = 0; i < count; i++)
        text_format(&line, "%s%s", i ? " " : "", words[i]);
    answered = count == 1 && !strcmp(words[0], "-") ? talk_lines(server, &good)
                                                    : exchange(server, text_value(&line), &good);
    text_release(&line);
    fclose(server);
    if (!answered)
        fprintf(stderr, "amt-simulator: %s: the simulator closed the connection without an answer\n", path);
    return answered && good ? EXIT_SUCCESS : EXIT_FAILURE;
}
