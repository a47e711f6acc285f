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

struct simulator {
    struct process *process;
    int fd;
    char *text; /* received and not handed out yet */
    size_t length;
};

static bool dial(struct simulator *simulator, const char *socket_path, struct error *err)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };

    if (strlen(socket_path) >= sizeof(name.sun_path))
        return error_set(err, ERROR_INPUT,
                         "the path of the simulator's control socket is too long: %s; use a "
                         "directory with a shorter path",
                         socket_path);
    snprintf(name.sun_path, sizeof(name.sun_path), "%s", socket_path);
    simulator->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (simulator->fd < 0 || connect(simulator->fd, (struct sockaddr *)&name, sizeof(name)) != 0)
        return error_set(err, ERROR_INTERNAL, "cannot reach the simulator at %s: %s", socket_path,
                         strerror(errno));
    return true;
}

bool simulator_start(struct simulator **simulator, const char *log_path, const char *socket_path,
                     const char *const *argv, struct error *err)
{
    AUTO(simulator_stop) struct simulator *starting = allocate(sizeof(*starting));

    starting->fd = -1;
    if (!process_start(&starting->process, log_path, argv, err) ||
        !process_wait_line(starting->process, "ready ", READY_TIMEOUT_MS, err) ||
        !dial(starting, socket_path, err))
        return false;
    *simulator = TAKE(starting);
    return true;
}

void simulator_stop(struct simulator **simulator)
{
    struct simulator *stopping = TAKE(*simulator);

    if (!stopping)
        return;
    if (stopping->fd >= 0)
        close(stopping->fd);
    process_stop(&stopping->process);
    free(stopping->text);
    free(stopping);
}

struct process *simulator_process(struct simulator *simulator)
{
    return simulator->process;
}

static bool receive_line(struct simulator *simulator, char **line, struct error *err)
{
    char *end;

    while (!simulator->text || !(end = memchr(simulator->text, '\n', simulator->length))) {
        struct pollfd fd = { .fd = simulator->fd, .events = POLLIN };
        char part[65536];
        ssize_t got;

        if (poll(&fd, 1, ANSWER_TIMEOUT_MS) <= 0)
            return error_set(err, ERROR_UNREACHABLE, "the simulator did not answer on its control socket: %s",
                             interrupted() ? "interrupted" : "time is up");
        got = read(simulator->fd, part, sizeof(part));
        if (got <= 0)
            return error_set(err, ERROR_UNREACHABLE, "the simulator closed its control socket; see %s",
                             process_log(simulator->process));
        simulator->text = reallocate(simulator->text, simulator->length + (size_t)got + 1, 1);
        memcpy(simulator->text + simulator->length, part, (size_t)got);
        simulator->length += (size_t)got;
    }
    *end = '\0';
    *line = text_copy(simulator->text);
    simulator->length -= (size_t)(end + 1 - simulator->text);
    memmove(simulator->text, end + 1, simulator->length);
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
    if (!command || dprintf(simulator->fd, "%s\n", command) < 0)
        return error_set(err, ERROR_UNREACHABLE, "cannot write to the simulator's control socket: %s",
                         strerror(errno));
    if (!receive_line(simulator, &line, err))
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
