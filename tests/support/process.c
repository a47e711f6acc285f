#include "support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"

enum { STOP_TIMEOUT_MS = 20000 };

struct process {
    pid_t pid; /* 0 once the end was seen */
    int pid_fd, watch_fd, log_fd;
    int status;
    char *name; /* last part of argv[0] */
    char *log_path;
    char *text; /* of the log, read and not searched yet */
    size_t length;
    char last_line[200];
};

static volatile sig_atomic_t caught;

static void note_signal(int number)
{
    caught = number;
}

void interrupts_catch(void)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action = { .sa_handler = note_signal }; /* no SA_RESTART: waits end */

    for (size_t i = 0; i < COUNT_OF(signals); i++)
        sigaction(signals[i], &action, NULL);
}

bool interrupted(void)
{
    return caught != 0;
}

void wait_a_little(int timeout_ms)
{
    if (!interrupted())
        poll(NULL, 0, timeout_ms);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Runs in the child; what fails ends it with 127, as a shell would. */
static void become(const char *const *argv, const struct passwd *user, int input, int output, int errors)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    if (user && (initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
                 setuid(user->pw_uid) != 0))
        _exit(127);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* after setuid(), which clears it */
    if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0)
        _exit(127);
    execv(argv[0], (char *const *)argv);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int pid_open(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

bool process_start(struct process **process, const char *log_path, const char *const *argv, struct error *err)
{
    return process_start_as(process, NULL, log_path, argv, err);
}

bool process_start_as(struct process **process, const char *user, const char *log_path,
                      const char *const *argv, struct error *err)
{
    const struct passwd *identity = user ? getpwnam(user) : NULL;
    int log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct process *starting;
    pid_t pid;

    if (log_fd < 0 || null_fd < 0)
        return error_set(err, ERROR_INTERNAL, "cannot write %s: %s", log_path, strerror(errno));
    if (user && !identity)
        return error_set(err, ERROR_INTERNAL, "there is no user %s to run %s as", user, argv[0]);
    starting = allocate(sizeof(*starting));
    starting->log_fd = open(log_path, O_RDONLY | O_CLOEXEC);
    lseek(starting->log_fd, 0, SEEK_END); /* lines of an earlier run are not this one's */
    starting->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    starting->log_path = text_copy(log_path);
    starting->name = text_copy(base_name(argv[0]));
    if (inotify_add_watch(starting->watch_fd, log_path, IN_MODIFY) < 0 || (pid = fork()) < 0) {
        error_set(err, ERROR_INTERNAL, "cannot start %s: %s", argv[0], strerror(errno));
        close(log_fd);
        close(null_fd);
        starting->pid_fd = -1;
        process_kill(&starting);
        return false;
    }
    if (pid == 0)
        become(argv, identity, null_fd, log_fd, log_fd);
    close(log_fd);
    close(null_fd);
    starting->pid = pid;
    starting->pid_fd = pid_open(pid);
    *process = starting;
    return true;
}

static void read_log(struct process *process)
{
    char part[8192];
    ssize_t got;

    while ((got = read(process->log_fd, part, sizeof(part))) > 0) {
        process->text = reallocate(process->text, process->length + (size_t)got + 1, 1);
        memcpy(process->text + process->length, part, (size_t)got);
        process->length += (size_t)got;
        process->text[process->length] = '\0';
    }
}

/* Takes lines off the front until one holds what is looked for. */
static bool take_line(struct process *process, const char *wanted)
{
    char *line = process->text, *end;
    bool found = false;

    while (line && !found && (end = strchr(line, '\n'))) {
        *end = '\0';
        found = strstr(line, wanted) != NULL;
        snprintf(process->last_line, sizeof(process->last_line), "%s", line);
        line = end + 1;
    }
    if (line) {
        process->length -= (size_t)(line - process->text);
        memmove(process->text, line, process->length + 1);
    }
    return found;
}

bool process_running(struct process *process)
{
    if (process->pid && waitpid(process->pid, &process->status, WNOHANG) == process->pid)
        process->pid = 0;
    return process->pid != 0;
}

bool process_wait_line(struct process *process, const char *text, int timeout_ms, struct error *err)
{
    int64_t end_ms = clock_monotonic_ms() + timeout_ms;

    for (;;) {
        struct pollfd fds[] = { { .fd = process->watch_fd, .events = POLLIN },
                                { .fd = process->pid_fd, .events = POLLIN } };
        bool running = process_running(process); /* before reading: what it wrote last is read then */
        int64_t left_ms = end_ms - clock_monotonic_ms();
        char events[4096];

        read_log(process);
        if (take_line(process, text))
            return true;
        if (interrupted())
            return error_set(err, ERROR_INTERNAL, "interrupted");
        if (!running)
            return error_set(err, ERROR_INTERNAL, "%s ended instead of printing \"%s\"; %s ends with: %s",
                             process->name, text, process->log_path, process->last_line);
        if (left_ms <= 0)
            return error_set(err, ERROR_UNREACHABLE, "%s did not print \"%s\" in %d ms; %s ends with: %s",
                             process->name, text, timeout_ms, process->log_path, process->last_line);
        poll(fds, COUNT_OF(fds), (int)left_ms);
        while (read(process->watch_fd, events, sizeof(events)) > 0)
            continue;
    }
}

static bool wait_end(struct process *process, int timeout_ms)
{
    int64_t end_ms = clock_monotonic_ms() + timeout_ms;

    while (process_running(process)) {
        struct pollfd fd = { .fd = process->pid_fd, .events = POLLIN };
        int64_t left_ms = end_ms - clock_monotonic_ms();

        if (left_ms <= 0)
            return false;
        poll(&fd, 1, (int)left_ms); /* also while being interrupted: stopping is what follows then */
    }
    return true;
}

bool process_wait_end(struct process *process, int timeout_ms, int *status, struct error *err)
{
    if (!wait_end(process, timeout_ms))
        return error_set(err, ERROR_UNREACHABLE, "%s did not end in %d ms", process->name, timeout_ms);
    *status = process->status;
    return true;
}

void process_signal(struct process *process, int signal_number)
{
    if (process_running(process))
        kill(process->pid, signal_number);
}

pid_t process_pid(const struct process *process)
{
    return process->pid;
}

const char *process_log(const struct process *process)
{
    return process->log_path;
}

static void process_free(struct process **process)
{
    struct process *ended = TAKE(*process);

    if (ended->pid_fd >= 0)
        close(ended->pid_fd);
    close(ended->watch_fd);
    close(ended->log_fd);
    free(ended->name);
    free(ended->log_path);
    free(ended->text);
    free(ended);
}

bool process_stop(struct process **process)
{
    bool in_order;

    if (!*process)
        return true;
    process_signal(*process, SIGTERM);
    if (!wait_end(*process, STOP_TIMEOUT_MS))
        process_signal(*process, SIGKILL);
    in_order = wait_end(*process, STOP_TIMEOUT_MS) && (*process)->status == 0;
    process_free(process);
    return in_order;
}

void process_kill(struct process **process)
{
    if (!*process)
        return;
    process_signal(*process, SIGKILL);
    wait_end(*process, STOP_TIMEOUT_MS);
    process_free(process);
}

/* ---- commands ---- */

struct stream { /* one end of a pipe and what came or goes through it */
    int fd;     /* -1 once it is closed */
    char *text;
    size_t length;
};

static void stream_close(struct stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

static void stream_read(struct stream *stream)
{
    char part[16384];
    ssize_t got = read(stream->fd, part, sizeof(part));

    if (got <= 0) {
        stream_close(stream);
        return;
    }
    stream->text = reallocate(stream->text, stream->length + (size_t)got + 1, 1);
    memcpy(stream->text + stream->length, part, (size_t)got);
    stream->length += (size_t)got;
    stream->text[stream->length] = '\0';
}

static void stream_write(struct stream *stream)
{
    ssize_t written = write(stream->fd, stream->text, stream->length);

    if (written > 0) {
        stream->text += written;
        stream->length -= (size_t)written;
    }
    if (written < 0 || stream->length == 0)
        stream_close(stream);
}

static bool converse(struct stream *input, struct stream *output, struct stream *errors, int64_t end_ms)
{
    while (output->fd >= 0 || errors->fd >= 0) {
        struct pollfd fds[] = { { .fd = input->fd, .events = POLLOUT },
                                { .fd = output->fd, .events = POLLIN },
                                { .fd = errors->fd, .events = POLLIN } };
        int64_t left_ms = end_ms - clock_monotonic_ms();

        if (left_ms <= 0 || interrupted())
            return false;
        if (poll(fds, COUNT_OF(fds), (int)left_ms) <= 0)
            continue;
        if (fds[0].revents)
            stream_write(input);
        if (fds[1].revents)
            stream_read(output);
        if (fds[2].revents)
            stream_read(errors);
    }
    return true;
}

/* The ends that the child gets are closed here; the others stay. */
static pid_t spawn_with_pipes(const char *const *argv, int ends[3])
{
    int pipes[3][2];
    pid_t pid;

    for (int i = 0; i < 3; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) != 0)
            return -1;
    }
    pid = fork();
    if (pid == 0)
        become(argv, NULL, pipes[0][0], pipes[1][1], pipes[2][1]);
    for (int i = 0; i < 3; i++) {
        close(pipes[i][i == 0 ? 0 : 1]);
        ends[i] = pipes[i][i == 0 ? 1 : 0];
    }
    return pid;
}

bool command_run(struct command_result *result, const char *input, int timeout_ms, const char *const *argv,
                 struct error *err)
{
    int64_t end_ms = clock_monotonic_ms() + timeout_ms;
    int ends[3] = { -1, -1, -1 }, status = 0;
    pid_t pid = spawn_with_pipes(argv, ends);
    struct stream in = { ends[0], (char *)(input ? input : ""), input ? strlen(input) : 0 };
    struct stream out = { .fd = ends[1], .text = text_copy("") },
                  errors = { .fd = ends[2], .text = text_copy("") };
    bool finished;

    if (pid < 0)
        return error_set(err, ERROR_INTERNAL, "cannot run %s: %s", argv[0], strerror(errno));
    signal(SIGPIPE, SIG_IGN); /* a command may end without reading its input */
    finished = converse(&in, &out, &errors, end_ms);
    if (!finished)
        kill(pid, SIGTERM);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    stream_close(&in);
    stream_close(&out);
    stream_close(&errors);
    command_result_clear(result);
    *result = (struct command_result){ WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                                       out.text, errors.text };
    if (!finished)
        return error_set(err, ERROR_UNREACHABLE, "%s did not end in %d ms", argv[0], timeout_ms);
    return true;
}

void command_result_clear(struct command_result *result)
{
    text_free(&result->output);
    text_free(&result->errors);
}
