#include "support/simulator.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READY_TIMEOUT_MS = 120000, ANSWER_TIMEOUT_MS = 30000 };

struct line_socket {
    int fd;     /* -1: not connected */
    char *text; /* received and not handed out yet */
    size_t length;
};

struct simulator {
    struct process *process;
    char *socket_path;
    struct line_socket commands, events;
};

static bool dial(struct line_socket *connection, const char *socket_path, struct error *err)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };

    if (strlen(socket_path) >= sizeof(name.sun_path))
        return error_set(err, ERROR_INPUT,
                         "the path of the simulator's control socket is too long: %s; use a "
                         "directory with a shorter path",
                         socket_path);
    snprintf(name.sun_path, sizeof(name.sun_path), "%s", socket_path);
    connection->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&name, sizeof(name)) != 0)
        return error_set(err, ERROR_INTERNAL, "cannot reach the simulator at %s: %s", socket_path,
                         strerror(errno));
    return true;
}

bool simulator_start(struct simulator **simulator, const char *log_path, const char *socket_path,
                     const char *const *argv, struct error *err)
{
    AUTO(simulator_stop) struct simulator *starting = allocate(sizeof(*starting));

    starting->commands.fd = starting->events.fd = -1;
    starting->socket_path = text_copy(socket_path);
    if (!process_start(&starting->process, log_path, argv, err) ||
        !process_wait_line(starting->process, "ready ", READY_TIMEOUT_MS, err) ||
        !dial(&starting->commands, socket_path, err))
        return false;
    *simulator = TAKE(starting);
    return true;
}

bool simulator_join(struct simulator **simulator, const char *socket_path, struct error *err)
{
    AUTO(simulator_stop) struct simulator *joining = allocate(sizeof(*joining));

    joining->commands.fd = joining->events.fd = -1;
    joining->socket_path = text_copy(socket_path);
    if (!dial(&joining->commands, socket_path, err))
        return false;
    *simulator = TAKE(joining);
    return true;
}

static void hang_up(struct line_socket *connection)
{
    if (connection->fd >= 0)
        close(connection->fd);
    free(connection->text);
}

void simulator_stop(struct simulator **simulator)
{
    struct simulator *stopping = TAKE(*simulator);

    if (!stopping)
        return;
    hang_up(&stopping->events);
    hang_up(&stopping->commands);
    process_stop(&stopping->process);
    text_free(&stopping->socket_path);
    free(stopping);
}

struct process *simulator_process(struct simulator *simulator)
{
    return simulator->process;
}

static bool receive_line(struct simulator *simulator, struct line_socket *connection, char **line,
                         int timeout_ms, struct error *err)
{
    char *end;

    while (!connection->text || !(end = memchr(connection->text, '\n', connection->length))) {
        struct pollfd fd = { .fd = connection->fd, .events = POLLIN };
        char part[65536];
        ssize_t got;

        if (poll(&fd, 1, timeout_ms) <= 0)
            return error_set(err, ERROR_UNREACHABLE, "the simulator did not answer on its control socket: %s",
                             interrupted() ? "interrupted" : "time is up");
        got = read(connection->fd, part, sizeof(part));
        if (got <= 0)
            return error_set(err, ERROR_UNREACHABLE, "the simulator closed its control socket; see %s",
                             simulator->process ? process_log(simulator->process) : "its log");
        connection->text = reallocate(connection->text, connection->length + (size_t)got + 1, 1);
        memcpy(connection->text + connection->length, part, (size_t)got);
        connection->length += (size_t)got;
    }
    *end = '\0';
    *line = text_copy(connection->text);
    connection->length -= (size_t)(end + 1 - connection->text);
    memmove(connection->text, end + 1, connection->length);
    return true;
}

bool simulator_control(struct simulator *simulator, json_object **answer, struct error *err,
                       const char *format, ...)
{
    AUTO(text_free) char *line = NULL;
    AUTO(text_free) char *command = NULL;
    AUTO(json_close) json_object *parsed = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&command, format, arguments) < 0)
        command = NULL;
    va_end(arguments);
    if (!command || dprintf(simulator->commands.fd, "%s\n", command) < 0)
        return error_set(err, ERROR_UNREACHABLE, "cannot write to the simulator's control socket: %s",
                         strerror(errno));
    if (!receive_line(simulator, &simulator->commands, &line, ANSWER_TIMEOUT_MS, err))
        return false;
    parsed = json_tokener_parse(line);
    if (!parsed)
        return error_set(err, ERROR_PROTOCOL, "the simulator's answer to \"%s\" is not JSON: %.100s", command,
                         line);
    if (!json_true_at(parsed, "ok"))
        return error_set(err, ERROR_REFUSED, "the simulator refused \"%s\": %s", command,
                         json_text_at(parsed, "error"));
    if (answer)
        *answer = TAKE(parsed);
    return true;
}

bool simulator_state(struct simulator *simulator, const char *computer, json_object **state,
                     struct error *err)
{
    AUTO(json_close) json_object *answer = NULL;

    if (!simulator_control(simulator, &answer, err, "state %s", computer))
        return false;
    *state = json_object_get(json_at(answer, "state"));
    return true;
}

bool simulator_watch(struct simulator *simulator, struct error *err)
{
    AUTO(text_free) char *answer = NULL;

    return dial(&simulator->events, simulator->socket_path, err) &&
           (dprintf(simulator->events.fd, "events\n") > 0 ||
            error_set(err, ERROR_UNREACHABLE, "cannot write to the simulator's control socket: %s",
                      strerror(errno))) &&
           receive_line(simulator, &simulator->events, &answer, ANSWER_TIMEOUT_MS, err);
}

bool simulator_event(struct simulator *simulator, json_object **event, int timeout_ms, struct error *err)
{
    AUTO(text_free) char *line = NULL;

    if (!receive_line(simulator, &simulator->events, &line, timeout_ms, err))
        return false;
    *event = json_tokener_parse(line);
    return *event || error_set(err, ERROR_PROTOCOL, "the simulator's event is not JSON: %.100s", line);
}

json_object *json_at(json_object *object, const char *path)
{
    AUTO(text_free) char *parts = text_copy(path);
    char *rest = parts, *part;

    while (object && (part = strsep(&rest, "."))) {
        if (!json_object_is_type(object, json_type_object) ||
            !json_object_object_get_ex(object, part, &object))
            return NULL;
    }
    return object;
}

const char *json_text_at(json_object *object, const char *path)
{
    json_object *found = json_at(object, path);

    return found ? json_object_get_string(found) : "";
}

int64_t json_number_at(json_object *object, const char *path)
{
    json_object *found = json_at(object, path);

    return found ? json_object_get_int64(found) : -1;
}

bool json_true_at(json_object *object, const char *path)
{
    json_object *found = json_at(object, path);

    return found && json_object_get_boolean(found);
}

void json_close(json_object **object)
{
    json_object_put(*object);
    *object = NULL;
}
