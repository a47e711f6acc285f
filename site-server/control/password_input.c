#include "password_input.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/private_file.h"

#define PASSWORD_LINE_BYTES 1024

/* Byte by byte, so that nothing behind the line is taken from a pipe and no buffer of stdio keeps it. */
static bool read_line(int fd, const char *source, struct secret **line, struct error *err)
{
    char text[PASSWORD_LINE_BYTES];
    size_t length = 0;
    ssize_t got = 0;

    while (length < sizeof(text)) {
        got = read(fd, text + length, 1);
        if (got <= 0 || text[length] == '\n')
            break;
        length++;
    }
    if (length && length < sizeof(text) && text[length - 1] == '\r')
        length--;
    if (got < 0)
        error_set(err, ERROR_INPUT, "cannot read the password from %s: %s", source, strerror(errno));
    else if (length == sizeof(text))
        error_set(err, ERROR_INPUT, "the password from %s is longer than %zu characters", source,
                  sizeof(text));
    else if (length == 0)
        error_set(err, ERROR_INPUT, "no password came from %s", source);
    else
        *line = secret_new(text, length);
    secret_wipe(text, sizeof(text));
    return *line != NULL;
}

static bool read_file(const char *path, struct secret **password, struct error *err)
{
    AUTO(secret_free) struct secret *content = NULL;
    size_t length;

    if (!private_file_read(path, &content, err))
        return error_during(err, "password file");
    length = strcspn(secret_reveal(content), "\r\n");
    if (length == 0)
        return error_set(err, ERROR_INPUT, "the first line of password file %s is empty", path);
    *password = secret_new(secret_reveal(content), length);
    return true;
}

static bool ask(int terminal, const char *prompt, struct secret **password, struct error *err)
{
    bool read;

    dprintf(terminal, "%s: ", prompt);
    read = read_line(terminal, "the terminal", password, err);
    dprintf(terminal, "\n");
    return read;
}

static bool ask_twice(int terminal, const char *prompt, struct secret **password, struct error *err)
{
    AUTO(secret_free) struct secret *first = NULL;
    AUTO(secret_free) struct secret *second = NULL;

    if (!ask(terminal, prompt, &first, err) || !ask(terminal, "Again", &second, err))
        return false;
    if (!secret_equal(first, second))
        return error_set(err, ERROR_INPUT, "the two passwords differ; nothing was changed");
    *password = TAKE(first);
    return true;
}

static volatile sig_atomic_t caught_signal;

static void catch_signal(int number)
{
    caught_signal = number;
}

/* A signal interrupts the reading, and ends the process only when the echo is back. */
static bool ask_without_echo(const char *prompt, struct secret **password, struct error *err)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction caught = { .sa_handler = catch_signal }, before[COUNT_OF(signals)];
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios echoing, silent;
    bool asked;

    if (terminal < 0 || tcgetattr(terminal, &echoing) != 0) {
        if (terminal >= 0)
            close(terminal);
        return error_set(err, ERROR_INPUT,
                         "no terminal to ask for the password on; use --password-file FILE");
    }
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        sigaction(signals[i], &caught, &before[i]);
    silent = echoing;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(terminal, TCSAFLUSH, &silent);
    asked = ask_twice(terminal, prompt, password, err);
    tcsetattr(terminal, TCSAFLUSH, &echoing);
    close(terminal);
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        sigaction(signals[i], &before[i], NULL);
    if (caught_signal)
        raise(caught_signal);
    return asked;
}

bool password_input(const char *prompt, const char *file, struct secret **password, struct error *err)
{
    if (file && strcmp(file, "-") != 0)
        return read_file(file, password, err);
    if (!file && isatty(STDIN_FILENO))
        return ask_without_echo(prompt, password, err);
    return read_line(STDIN_FILENO, "standard input", password, err);
}
